#!/bin/sh
# KeePassXC 2.7.4 and pass-otp 1.2.0 (Debian 12) given `otpauth://` addresses whose parameters they don't know, beside oathtool 2.6.7.
#
# One would expect that a program which does not know `algorithm=SHA-256` says so, when it takes the address or when it shows a code.
# Seen: both know `SHA256`, in either case of letters, and take whatever is spelt otherwise, `SHA-256` or Java's `HmacSHA256`, for SHA-1, without a
# word: the code looks like any other and is wrong. Twelve digits are shown as ten by KeePassXC; pass-otp takes the address and refuses
# only when it is to show a code.
#
# For who runs a login service: the person enrols, and the first code is refused; who gives out more than SHA-1, six digits and thirty
# seconds meets this with some of the people. Say nothing of algorithm, digits and period in the address (their defaults are these), and
# ask for one code before the enrolment counts.
# Doorward has no second factor yet; that is how its addresses are to look.
#
# Unpacks Debian's packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'GNUPGHOME="$folder/gnupg" gpgconf --kill all 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p packages/partial
apt-get -qq --yes --download-only --no-install-recommends -o Dir::Cache::archives="$folder/packages" -o Debug::NoLocking=1 install \
    keepassxc=2.7.4+dfsg.1-2 pass=1.7.4-6 pass-otp=1.2.0-7 oathtool=2.6.7-3.1+deb12u1 tree qrencode gnupg > apt.log 2>&1 || { cat apt.log >&2; exit 1; }
for package in packages/*.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH="$folder/root/usr/lib/x86_64-linux-gnu" QT_QPA_PLATFORM=offscreen HOME="$folder" PATH="$folder/root/usr/bin:$PATH"

secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP
cat > cases <<'TEXT'
nothing
algorithm=SHA1
algorithm=SHA256
algorithm=sha256
algorithm=SHA-256
algorithm=HmacSHA256
digits=8
digits=12
period=60
TEXT
address() { # the parameter
    echo "otpauth://totp/Example:ann?secret=$secret&issuer=Example$([ "$1" = nothing ] || echo "&$1")"
}

# KeePassXC takes entries from XML.
{
    echo '<?xml version="1.0"?><KeePassFile><Root><Group><UUID>AAAAAAAAAAAAAAAAAAAAAQ==</UUID><Name>Root</Name>'
    number=10
    while read -r case; do
        number=$((number + 1))
        echo "<Entry><UUID>AAAAAAAAAAAAAAAAAA${number}AA==</UUID><String><Key>Title</Key><Value>$case</Value></String><String><Key>otp</Key><Value>$(address "$case" | sed 's/&/\&amp;/g')</Value></String></Entry>"
    done < cases
    echo '</Group></Root></KeePassFile>'
} > entries.xml
printf 'secret\nsecret\n' | keepassxc-cli import -q -p entries.xml entries.kdbx > import.log 2>&1 || { cat import.log >&2; exit 1; }

export GNUPGHOME="$folder/gnupg" PASSWORD_STORE_DIR="$folder/store" PASSWORD_STORE_ENABLE_EXTENSIONS=true
PASSWORD_STORE_EXTENSIONS_DIR=$(dirname "$(find "$folder/root" -name otp.bash | head -1)"); export PASSWORD_STORE_EXTENSIONS_DIR
mkdir -m 700 gnupg
gpg --quiet --batch --passphrase '' --quick-gen-key 'Ann <ann@example.com>' default default never 2> gpg.log || { cat gpg.log >&2; exit 1; }
pass init ann@example.com > pass.log

codes() { # all that may be shown now, by name
    for algorithm in SHA1 SHA256; do
        for digits in 6 8; do
            for period in 30 60; do
                echo "$(oathtool --base32 --totp=$algorithm --digits=$digits --time-step-size=${period}s $secret) $algorithm, $digits digits, $period s"
            done
        done
    done
}
name() { # the code, the codes
    [ "$1" != refused ] || { echo refuses; return; }
    echo "$2" | sed -n "s/^$1 //p" | head -1 | grep . || echo "another, ${#1} digits"
}
ask() { # the program, the case
    case $1 in
        KeePassXC) printf 'secret\n' | keepassxc-cli show -q -t entries.kdbx "$2" ;;
        pass-otp) pass otp ann 2> /dev/null || echo refused ;;
    esac
}
while read -r case; do
    address "$case" | pass otp insert --force ann > pass.log 2>&1 || cat pass.log
    for program in KeePassXC pass-otp; do
        while :; do # until no new code has begun meanwhile
            before=$(codes); code=$(ask $program "$case" < /dev/null); after=$(codes)
            [ "$before" = "$after" ] && break
        done
        echo "$case: $program $(name "$code" "$before")"
    done
done < cases > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
nothing: KeePassXC SHA1, 6 digits, 30 s
nothing: pass-otp SHA1, 6 digits, 30 s
algorithm=SHA1: KeePassXC SHA1, 6 digits, 30 s
algorithm=SHA1: pass-otp SHA1, 6 digits, 30 s
algorithm=SHA256: KeePassXC SHA256, 6 digits, 30 s
algorithm=SHA256: pass-otp SHA256, 6 digits, 30 s
algorithm=sha256: KeePassXC SHA256, 6 digits, 30 s
algorithm=sha256: pass-otp SHA256, 6 digits, 30 s
algorithm=SHA-256: KeePassXC SHA1, 6 digits, 30 s
algorithm=SHA-256: pass-otp SHA1, 6 digits, 30 s
algorithm=HmacSHA256: KeePassXC SHA1, 6 digits, 30 s
algorithm=HmacSHA256: pass-otp SHA1, 6 digits, 30 s
digits=8: KeePassXC SHA1, 8 digits, 30 s
digits=8: pass-otp SHA1, 8 digits, 30 s
digits=12: KeePassXC another, 10 digits
digits=12: pass-otp refuses
period=60: KeePassXC SHA1, 6 digits, 60 s
period=60: pass-otp SHA1, 6 digits, 60 s
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
