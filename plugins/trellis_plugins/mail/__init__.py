"""Mail: out by SMTP from the delivery log, in by IMAP as activities."""
