#!/bin/sh
# One bcrypt hash behind the prefixes `$2a$`, `$2b$` and `$2y$`, which mean the same for every password: who takes it?
# PHP 8.2, Perl's Crypt::Eksblowfish 0.009, Authen::Passphrase 0.008 and Crypt::Bcrypt 0.011 (Debian 12); bcrypt 6.0.0, bcryptjs 3.0.3 and
# @node-rs/bcrypt 2.0.0 (npm); bcrypt 5.0.0 and pwdlib 0.3.1 (PyPI).
#
# One would expect: `$2b$`, which nearly everything has written for ten years, is taken everywhere.
# Seen: PHP verifies it, and does not know what it is: `password_get_info` says `unknown`, so that a program that asks
# before it verifies refuses, and `password_needs_rehash` is true for ever. Perl's two older packages raise an error for all but `$2a$`.
# npm's bcrypt says *false* to `$2y$`, which PHP, htpasswd and Dovecot write: the right password is wrong, without an error. pwdlib takes
# all three, and wants to hash `$2a$` and `$2y$` anew.
#
# For who runs a login service: hashes that move in or out need the prefix of the place where they go. It may simply be exchanged.
# Doorward writes `$2b$` and takes all three; towards PHP write `$2y$` in its place, towards Perl's older packages `$2a$`.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'bcrypt==5.0.0' 'pwdlib==0.3.1'
npm install --silent --no-audit --no-fund --ignore-scripts bcrypt@6.0.0 bcryptjs@3.0.3 @node-rs/bcrypt@2.0.0
apt-get download -qq php8.2-cli=8.2.36-1~deb12u1 libargon2-1 libsodium23 libsystemd0 libxml2 libedit2 libpcre2-8-0 libonig5 libicu72 libbsd0 \
    libcrypt-eksblowfish-perl=0.009-3+b1 libauthen-passphrase-perl=0.008-3 libcrypt-bcrypt-perl=0.011-1 libclass-mix-perl \
    libparams-classify-perl libmodule-runtime-perl libdata-entropy-perl libdata-float-perl libcrypt-rijndael-perl libhttp-lite-perl 2> /dev/null
for package in ./*.deb; do dpkg -x "$package" root; done

cat > node.mjs <<'JAVASCRIPT'
import bcrypt from "bcrypt";
import bcryptjs from "bcryptjs";
import nodeRs from "@node-rs/bcrypt";
import { writeFileSync } from "node:fs";

const rest = (await bcrypt.hash("Correct horse 1", 4)).slice(4);
writeFileSync("rest", rest);
for (const prefix of ["$2a$", "$2b$", "$2y$"]) {
  const hash = prefix + rest;
  const answers = { bcrypt: await bcrypt.compare("Correct horse 1", hash), bcryptjs: bcryptjs.compareSync("Correct horse 1", hash) };
  answers["@node-rs/bcrypt"] = await nodeRs.verify("Correct horse 1", hash);
  for (const [name, answer] of Object.entries(answers)) console.log(`${prefix} npm ${name}: ${answer}`);
}
JAVASCRIPT
cat > python.py <<'PYTHON'
import bcrypt
from pwdlib.hashers.bcrypt import BcryptHasher

for prefix in ["$2a$", "$2b$", "$2y$"]:
    hash = prefix + open("rest").read()
    print(prefix, "PyPI bcrypt:", str(bcrypt.checkpw(b"Correct horse 1", hash.encode())).lower())
    hasher = BcryptHasher(rounds=4)
    print(prefix, "PyPI pwdlib:", str(hasher.verify("Correct horse 1", hash)).lower() + ", to be hashed anew:", str(hasher.check_needs_rehash(hash)).lower())
PYTHON
cat > php.php <<'PHP'
<?php
foreach (['$2a$', '$2b$', '$2y$'] as $prefix) {
    $hash = $prefix . file_get_contents("rest");
    echo "$prefix PHP: ", var_export(password_verify("Correct horse 1", $hash), true), ", known as ", password_get_info($hash)["algoName"],
        ", to be hashed anew: ", var_export(password_needs_rehash($hash, PASSWORD_BCRYPT, ["cost" => 4]), true), "\n";
}
PHP
cat > perl.pl <<'PERL'
use Crypt::Eksblowfish::Bcrypt; use Authen::Passphrase; use Crypt::Bcrypt;
open my $file, "<", "rest"; my $rest = <$file>;
for my $prefix ('$2a$', '$2b$', '$2y$') {
    my $hash = $prefix . $rest;
    my %ways = (
        "Crypt::Eksblowfish" => sub { Crypt::Eksblowfish::Bcrypt::bcrypt("Correct horse 1", $hash) eq $hash },
        "Authen::Passphrase" => sub { Authen::Passphrase->from_crypt($hash)->match("Correct horse 1") },
        "Crypt::Bcrypt" => sub { Crypt::Bcrypt::bcrypt_check("Correct horse 1", $hash) },
    );
    for my $way (sort keys %ways) {
        my $answer = eval { $ways{$way}->() ? "true" : "false" } // "raises: " . (split / at /, $@)[0];
        print "$prefix Perl $way: $answer\n";
    }
}
PERL
{
    node node.mjs
    env/bin/python python.py
    LD_LIBRARY_PATH=root/usr/lib/x86_64-linux-gnu:root/lib/x86_64-linux-gnu root/usr/bin/php8.2 -n php.php
    PERL5LIB=root/usr/share/perl5:root/usr/lib/x86_64-linux-gnu/perl5/5.36 perl perl.pl
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
$2a$ PHP: true, known as unknown, to be hashed anew: true
$2a$ Perl Authen::Passphrase: true
$2a$ Perl Crypt::Bcrypt: true
$2a$ Perl Crypt::Eksblowfish: true
$2a$ PyPI bcrypt: true
$2a$ PyPI pwdlib: true, to be hashed anew: true
$2a$ npm @node-rs/bcrypt: true
$2a$ npm bcrypt: true
$2a$ npm bcryptjs: true
$2b$ PHP: true, known as unknown, to be hashed anew: true
$2b$ Perl Authen::Passphrase: raises: unrecognised crypt scheme $2b$
$2b$ Perl Crypt::Bcrypt: true
$2b$ Perl Crypt::Eksblowfish: raises: bad bcrypt settings
$2b$ PyPI bcrypt: true
$2b$ PyPI pwdlib: true, to be hashed anew: false
$2b$ npm @node-rs/bcrypt: true
$2b$ npm bcrypt: true
$2b$ npm bcryptjs: true
$2y$ PHP: true, known as bcrypt, to be hashed anew: false
$2y$ Perl Authen::Passphrase: raises: unrecognised crypt scheme $2y$
$2y$ Perl Crypt::Bcrypt: true
$2y$ Perl Crypt::Eksblowfish: raises: bad bcrypt settings
$2y$ PyPI bcrypt: true
$2y$ PyPI pwdlib: true, to be hashed anew: true
$2y$ npm @node-rs/bcrypt: true
$2y$ npm bcrypt: false
$2y$ npm bcryptjs: true
TEXT
LC_ALL=C sort -o expected.txt expected.txt
LC_ALL=C sort -o seen.txt seen.txt
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
