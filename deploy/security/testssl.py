"""usage: testssl.py REPORT.json

Judges what testssl.sh found: nothing of severity MEDIUM or above may be left, apart from what only a certificate of a public authority has.
"""
import json
import sys

# The client may choose: every suite offered is one that we would choose (Mozilla's intermediate configuration leaves the order to it as well).
# Revocation, transparency and CAA are the business of a public authority; the certificate here is a development authority's.
NOT_OURS = ("cert_revocation", "cert_crlDistributionPoints", "cert_ocspURL", "OCSP_stapling", "certificate_transparency", "DNS_CAArecord", "cert_caIssuers", "cert_trust", "cipher_order")
rows = json.load(open(sys.argv[1]))
bad = [row for row in rows if row["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "FATAL") and not row["id"].startswith(NOT_OURS)]
for row in bad:
    print(f"{row['severity']} {row['id']}: {row['finding']}")
grade = next((row["finding"] for row in rows if row["id"] == "overall_grade"), "not given by this version of testssl.sh")
offered = [row["id"] for row in rows if row["id"] in ("SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3") and row["finding"].startswith("offered")]
print(f"grade {grade}, {' and '.join(offered)}, {len(rows)} findings, {len(bad)} of them bad" + (f": {bad[0]['id']} {bad[0]['finding']}" if bad else ""))
sys.exit(1 if bad or len(rows) < 40 or not offered else 0)
