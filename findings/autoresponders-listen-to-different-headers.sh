#!/bin/sh
# Three autoresponders and the headers that are said to silence them: vacation 3.3.3, Dovecot's Pigeonhole 2.3.19 (`vacation` of Sieve) and
# Exim 4.96 (`vacation` in a filter, behind `if personal`), of Debian 12.
#
# Each is handed the same mail of a service with another header, and asked whether it answers. One would expect that the headers which services
# put into their mails against answers work everywhere.
# Seen: `Auto-Submitted` with anything but `no` (RFC 3834) and the old `Precedence: bulk` silence all three. `X-Auto-Response-Suppress`, made for
# Exchange and put into mails for everybody, silences Pigeonhole alone. `List-Id` and `List-Unsubscribe` silence Pigeonhole and Exim, and
# vacation answers the list. A sender `noreply@` and `X-Autoreply` silence nobody.
#
# For who sends mail by program: `Auto-Submitted: auto-generated` is the one that is enough, and none of the others needs to be there with it.
# Doorward sends it alone; scripts/mail-servers tries it with all that Doorward sends.
#
# As root: the packages are installed in an overlay over this system, in memory and in a mount namespace of its own, and gone afterwards.
# Nothing is sent anywhere. Fails when what was seen changes.
set -eu
if [ "${1:-}" != inside ]; then
    folder=$(mktemp -d)
    trap 'rmdir "$folder"' EXIT
    unshare --mount --propagation private "$0" inside "$folder"
    exit
fi
folder=$2
mount -t tmpfs tmpfs "$folder"
cd "$folder"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=upper,workdir=work" root
mount --rbind /dev root/dev
mount -t proc proc root/proc
printf '#!/bin/sh\nexit 101\n' > root/usr/sbin/policy-rc.d
chmod +x root/usr/sbin/policy-rc.d
DEBIAN_FRONTEND=noninteractive chroot root apt-get install -y -qq --no-install-recommends vacation=3.3.3 dovecot-sieve='1:2.3.19.*' exim4-daemon-light='4.96-*' > log 2>&1 || { tail log; exit 1; }
# What an answer is sent by.
printf '#!/bin/sh\ncat >> /home/away/answers\n' > root/usr/local/bin/sent
chmod +x root/usr/local/bin/sent
ln -sf /usr/local/bin/sent root/usr/sbin/sendmail
chroot root useradd --system --create-home --home-dir /home/away away
cat > root/etc/dovecot/away.conf <<'CONF'
mail_location = maildir:/home/away/Maildir
auth_username_format = %n
postmaster_address = postmaster@example.com
sendmail_path = /usr/local/bin/sent
log_path = /home/away/log
protocol lda {
  mail_plugins = sieve
}
plugin {
  sieve = /home/away/away.sieve
}
CONF
printf 'require ["vacation"];\nvacation :days 1 :addresses ["away@example.com"] "Until Monday.";\n' > root/home/away/away.sieve
printf 'Subject: I am away\n\nUntil Monday.\n' > root/home/away/.vacation.msg
printf '# Exim filter\nif personal alias away@example.com then\n  vacation file /home/away/.vacation.msg\nendif\n' > root/home/away/.forward
chroot root chown -R away: /home/away
as_away() { chroot root setpriv --reuid=away --regid=away --clear-groups env HOME=/home/away USER=away "$@"; }
answers() {
    rm -f root/home/away/answers root/home/away/.vacation.db root/home/away/.dovecot.lda-dupes
    case $1 in
        vacation) as_away vacation -a away away < mail ;;
        Pigeonhole) as_away /usr/lib/dovecot/dovecot-lda -c /etc/dovecot/away.conf -f "$2" -a away@example.com < mail ;;
        # Says what it would do.
        Exim) as_away exim4 -bf /home/away/.forward -bfl away -bfd example.com -f "$2" < mail | grep '(vacation)' > root/home/away/answers || rm -f root/home/away/answers ;;
    esac > /dev/null 2> said || { cat said; exit 1; }
    # vacation does not wait for what it sends by.
    while pgrep -u "$(chroot root id -u away)" > /dev/null; do sleep 0.05; done
    [ -s root/home/away/answers ] && printf ' %s' "$1" || true
}
try() {
    from=$1 sender=$2 header=$3
    {
        printf 'From %s Mon Jan  1 00:00:00 2024\nReturn-Path: <%s>\n' "${sender:-MAILER-DAEMON}" "$sender"
        printf 'From: Example <%s>\nTo: away@example.com\nSubject: A new login\nDate: Mon, 01 Jan 2024 00:00:00 +0000\nMessage-ID: <1@example.com>\n' "$from"
        [ -z "$header" ] || printf '%s\n' "$header"
        printf 'MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\nHello.\n'
    } > mail
    printf '%s:' "$4"
    for responder in vacation Pigeonhole Exim; do answers $responder "$sender"; done
    echo
}
{
    try auth@example.com auth@example.com "" "nothing"
    try noreply@example.com noreply@example.com "" "From noreply@"
    for header in "Auto-Submitted: auto-generated" "Auto-Submitted: auto-replied" "Auto-Submitted: no" "X-Auto-Response-Suppress: All" \
        "X-Auto-Response-Suppress: OOF, AutoReply" "Precedence: bulk" "Precedence: list" "Precedence: junk" "List-Id: <logins.example.com>" \
        "List-Unsubscribe: <mailto:off@example.com>" "Feedback-ID: 1:example" "X-Autoreply: yes" "X-Mailer: a program"; do
        try auth@example.com auth@example.com "$header" "$header"
    done
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
nothing: vacation Pigeonhole Exim
From noreply@: vacation Pigeonhole Exim
Auto-Submitted: auto-generated:
Auto-Submitted: auto-replied:
Auto-Submitted: no: vacation Pigeonhole Exim
X-Auto-Response-Suppress: All: vacation Exim
X-Auto-Response-Suppress: OOF, AutoReply: vacation Exim
Precedence: bulk:
Precedence: list:
Precedence: junk:
List-Id: <logins.example.com>: vacation
List-Unsubscribe: <mailto:off@example.com>: vacation
Feedback-ID: 1:example: vacation Pigeonhole Exim
X-Autoreply: yes: vacation Pigeonhole Exim
X-Mailer: a program: vacation Pigeonhole Exim
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
