-- Names the request that cancelled or finished the run, so that its repetition after a crash finds that it was carried out.
alter table runs add column end_key text;
