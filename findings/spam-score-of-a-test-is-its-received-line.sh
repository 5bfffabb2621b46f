#!/bin/sh
# The same harmless mail under SpamAssassin 4.0.1 (Debian 12, `--local`), as tests of templates feed it: with another `Received` line each
# time.
#
# One would expect that a mail's score in a test tells of its words. Seen: between -1.0 and 10.6, for the same words. What was taken from a
# mail server on the same machine, or from 10.0.0.7, has one point less than it deserves (`ALL_TRUSTED`); a Received line with one of IPv4's
# addresses for examples (RFC 5737), as one writes them into fixtures, costs 1.3 (`RCVD_ILLEGAL_IP`), while those of IPv6 cost nothing; one
# of a machine without a name costs 5.8, more than junk needs, and a name with numbers in it 10.6.
#
# For who tests templates: a file without any Received line, or one with a public address and a name, has the score of its words; a limit
# of "under 1" that was tried through a local server lets one point of faults through. The name of the sending machine counts for more than
# anything that a template says.
# scripts/mail-servers weighs Doorward's mails behind a public address with a name, without asking anybody: 0.0 each.
#
# As root: the package is installed in an overlay over this system, in memory and in a mount namespace of its own, and gone afterwards. Fails
# when what was seen changes.
set -eu
if [ "${1:-}" != inside ]; then
    folder=$(mktemp -d)
    trap 'rmdir "$folder"' EXIT
    unshare --mount --propagation private "$0" inside "$folder"
    exit
fi
cd "$2"
mount -t tmpfs tmpfs .
cd "$2"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=upper,workdir=work" root
mount --rbind /dev root/dev
mount -t proc proc root/proc
DEBIAN_FRONTEND=noninteractive chroot root apt-get install -y -qq --no-install-recommends spamassassin='4.0.1-*' > log 2>&1 || { tail log; exit 1; }
try() {
    {
        echo 'Return-Path: <auth@example.com>'
        [ -z "$2" ] || printf 'Received: from %s (%s [%s])\n by mx.example.org with ESMTPS id 4Rz1kK0x1z; Mon, 01 Jan 2024 00:00:01 +0000\n' "$3" "$3" "$2"
        printf 'From: Example <auth@example.com>\nTo: ann@example.org\nSubject: Set a new password\nDate: Mon, 01 Jan 2024 00:00:00 +0000\n'
        printf 'Message-ID: <0123456789abcdef@example.com>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n'
        printf 'Hello,\n\nthis page sets a new password:\n\nhttps://app.example.com/reset#token=AAAA\n\nIf it was not you, do nothing.\n'
    } > mail
    printf '%s: ' "$1"
    chroot root env LC_ALL=C spamassassin --local --cf "add_header all Rules _TESTSSCORES(,)_ points=_SCORE_" < mail 2> said > marked || { cat said; exit 1; }
    python3 - <<'PYTHON'
import email
told = "".join(str(email.message_from_file(open("marked"))["X-Spam-Rules"]).split())
rules, points = told.split("points=")
print(points, " ".join(rule for rule in rules.split(",") if not rule.endswith(("=0.001", "=-0.001"))) or "none")
PYTHON
}
{
    try "none" ""
    try "a public address" 93.184.216.34 app.example.com
    try "127.0.0.1" 127.0.0.1 localhost
    try "10.0.0.7" 10.0.0.7 app.example.com
    try "192.0.2.7 (RFC 5737)" 192.0.2.7 app.example.com
    try "198.51.100.7 (RFC 5737)" 198.51.100.7 app.example.com
    try "203.0.113.7 (RFC 5737)" 203.0.113.7 app.example.com
    try "2001:db8::7 (RFC 3849)" IPv6:2001:db8::7 app.example.com
    try "a public address without a name" 93.184.216.34 unknown
    try "a name like those of households" 93.184.216.34 ip-93-184-216-34.dsl.example.com
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
none: -0.0 none
a public address: 0.0 none
127.0.0.1: -1.0 ALL_TRUSTED=-1
10.0.0.7: -1.0 ALL_TRUSTED=-1
192.0.2.7 (RFC 5737): 1.3 RCVD_ILLEGAL_IP=1.3
198.51.100.7 (RFC 5737): 1.3 RCVD_ILLEGAL_IP=1.3
203.0.113.7 (RFC 5737): 1.3 RCVD_ILLEGAL_IP=1.3
2001:db8::7 (RFC 3849): 0.0 none
a public address without a name: 5.8 FSL_HELO_NON_FQDN_1=2.361 HELO_NO_DOMAIN=1 RDNS_NONE=2.399
a name like those of households: 10.6 HELO_DYNAMIC_HCC=4.299 HELO_DYNAMIC_IPADDR=2.633 NO_FM_NAME_IP_HOSTN=1 RDNS_DYNAMIC=2.639
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
