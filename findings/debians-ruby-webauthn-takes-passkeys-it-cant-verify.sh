#!/bin/sh
# Debian 12's ruby-webauthn 2.5.2 (with its ruby-cose 1.2.0, Ruby 3.1.2 and OpenSSL 3.0) beside its libauthen-webauthn-perl 0.001, given passkeys that
# python-fido2 2.2.1 and cryptography 50.0.2 (PyPI) have made: ES256, RS256, and a login by each.
#
# One would expect a library out of a stable distribution to work with the OpenSSL beside it, or to fail at the first touch.
# Seen: the Ruby one registers both, and each login by them raises `OpenSSL::PKey::PKeyError`: ruby-cose sets the parts of a key that OpenSSL 3.0 does not let
# be set. With attestation `none` registering looks at no signature, so that nothing shows before somebody wants to come in. The Perl one does both.
#
# For who runs a login service: have a passkey sign in once before it counts, at least in the tests of an upgrade; and install such a library by its own
# language's packages.
# Doorward's tests register a passkey of each kind that it asks for, and log in by it.
#
# Unpacks Debian's packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p packages/partial
apt-get -qq --yes --download-only --no-install-recommends -o Dir::Cache::archives="$folder/packages" -o Debug::NoLocking=1 install \
    ruby-webauthn=2.5.2-1 ruby-cose=1.2.0-2 libauthen-webauthn-perl=0.001-2 > apt.log 2>&1 || { cat apt.log >&2; exit 1; }
for package in packages/*.deb; do dpkg -x "$package" root; done
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'fido2==2.2.1' 'cryptography==50.0.2'
cat > make.py <<'PYTHON'
import json
import os
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from fido2 import cbor, cose
from fido2.utils import sha256, websafe_encode as text

kinds = {
    "ES256": (ec.generate_private_key(ec.SECP256R1()), lambda key, data: key.sign(data, ec.ECDSA(hashes.SHA256()))),
    "RS256": (rsa.generate_private_key(65537, 2048), lambda key, data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())),
}


def told(id, question, challenge, response):
    client = json.dumps({"type": question, "challenge": challenge, "origin": "https://shop.example", "crossOrigin": False}).encode()
    response = {name: text(value) for name, value in ({"clientDataJSON": client} | response(client)).items()}
    return {"challenge": challenge, "answer": {"id": text(id), "rawId": text(id), "type": "public-key", "response": response}}


made = {}
for name, (key, sign) in kinds.items():
    id, public = os.urandom(32), dict(getattr(cose, name).from_cryptography_key(key.public_key()))
    data = lambda flags, count: sha256(b"shop.example") + struct.pack(">BI", flags, count)
    whole = data(0x45, 0) + bytes(16) + struct.pack(">H", len(id)) + id + cbor.encode(public)
    created = told(id, "webauthn.create", text(os.urandom(32)), lambda _: {"attestationObject": cbor.encode({"fmt": "none", "attStmt": {}, "authData": whole})})
    signed = lambda client: {"authenticatorData": data(5, 1), "signature": sign(key, data(5, 1) + sha256(client))}
    made[name] = {"new": created, "login": told(id, "webauthn.get", text(os.urandom(32)), signed)}
json.dump(made, open("made.json", "w"))
PYTHON
cat > probe.rb <<'RUBY'
require "json"
require "webauthn"

WebAuthn.configure { |configuration| configuration.origin = "https://shop.example" }
JSON.parse(File.read("made.json")).each do |kind, made|
  said = lambda do |&work|
    work.call
    "yes"
  rescue StandardError => error
    "#{error.class}: #{error.message}"
  end
  passkey = nil
  registered = said.call do
    passkey = WebAuthn::Credential.from_create(made["new"]["answer"])
    passkey.verify(made["new"]["challenge"], user_verification: true)
  end
  puts "ruby-webauthn, #{kind}, registers: #{registered}"
  next unless registered == "yes"
  login = said.call do
    answer = WebAuthn::Credential.from_get(made["login"]["answer"])
    answer.verify(made["login"]["challenge"], public_key: passkey.public_key, sign_count: 0, user_verification: true)
  end
  puts "ruby-webauthn, #{kind}, logs in: #{login}"
end
RUBY
cat > probe.pl <<'PERL'
use strict;
use warnings;
use Authen::WebAuthn;
use JSON::PP;

open my $file, "<", "made.json" or die;
my $all = decode_json(join "", <$file>);
my $site = Authen::WebAuthn->new(rp_id => "shop.example", origin => "https://shop.example");
for my $kind ("ES256", "RS256") {
    my ($new, $login) = @{ $all->{$kind} }{ "new", "login" };
    my $said = sub { my $error = $@; $error =~ s/ at \S+ line.*//s; $error };
    my $response = $new->{answer}{response};
    my $kept = eval {
        $site->validate_registration(challenge_b64 => $new->{challenge}, requested_uv => "required",
            client_data_json_b64 => $response->{clientDataJSON}, attestation_object_b64 => $response->{attestationObject});
    };
    print "Authen::WebAuthn, $kind, registers: ", $kept ? "yes" : $said->(), "\n";
    next unless $kept;
    $response = $login->{answer}{response};
    my $in = eval {
        $site->validate_assertion(challenge_b64 => $login->{challenge}, credential_pubkey_b64 => $kept->{credential_pubkey}, stored_sign_count => 0,
            requested_uv => "required", client_data_json_b64 => $response->{clientDataJSON},
            authenticator_data_b64 => $response->{authenticatorData}, signature_b64 => $response->{signature});
    };
    print "Authen::WebAuthn, $kind, logs in: ", $in ? "yes" : $said->(), "\n";
}
PERL
env/bin/python make.py
usr=$folder/root/usr system=/usr
export LD_LIBRARY_PATH="$usr/lib/x86_64-linux-gnu" PATH="$usr/bin:$PATH"
RUBYLIB= PERL5LIB= GEM_PATH=
for at in "$usr" "$system"; do
    RUBYLIB="$RUBYLIB:$at/lib/ruby/vendor_ruby:$at/lib/x86_64-linux-gnu/ruby/vendor_ruby/3.1.0:$at/lib/ruby/3.1.0:$at/lib/x86_64-linux-gnu/ruby/3.1.0"
    GEM_PATH="$GEM_PATH:$at/share/rubygems-integration/all:$at/lib/x86_64-linux-gnu/rubygems-integration/3.1.0"
    PERL5LIB="$PERL5LIB:$at/share/perl5:$at/lib/x86_64-linux-gnu/perl5/5.36"
done
export RUBYLIB="${RUBYLIB#:}" PERL5LIB="${PERL5LIB#:}" GEM_PATH="${GEM_PATH#:}"
{
    ruby3.1 probe.rb
    perl probe.pl
} > seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
ruby-webauthn, ES256, registers: yes
ruby-webauthn, ES256, logs in: OpenSSL::PKey::PKeyError: pkeys are immutable on OpenSSL 3.0
ruby-webauthn, RS256, registers: yes
ruby-webauthn, RS256, logs in: OpenSSL::PKey::PKeyError: rsa#set_key= is incompatible with OpenSSL 3.0
Authen::WebAuthn, ES256, registers: yes
Authen::WebAuthn, ES256, logs in: yes
Authen::WebAuthn, RS256, registers: yes
Authen::WebAuthn, RS256, logs in: yes
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
