"""usage: slow.py STATISTICS.csv

What became of the connections of slowhttptest: how many were open at most, and when the last of them was gone.
"""
import csv
import sys

rows = [{name.strip(): value for name, value in row.items() if name} for row in csv.DictReader(open(sys.argv[1]))]
number = lambda row, name: int(row.get(name) or 0)
most = max(number(row, "Connected") for row in rows)
last = max((number(row, "Seconds") for row in rows if number(row, "Connected") > 0), default=0)
print(f"at most {most} connections open at once, the attacker saw the last of them at {last} s")
