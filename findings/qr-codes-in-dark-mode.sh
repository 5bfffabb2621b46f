#!/bin/sh
# The QR code of an enrolment, drawn in ways that themes draw it, read by OpenCV 5.0.0 and zxing-cpp 3.1.1 (PyPI), jsQR 1.4.0 (npm) and ZBar 0.23.92
# (Debian 12).
#
# One would expect a code that a person sees clearly to be read by all.
# Seen: light on dark, as dark mode makes of a code that is drawn in the text's colour, is read by zxing-cpp and jsQR, and neither by ZBar nor by
# OpenCV, whatever the contrast, while two greys of little contrast are read by all, dark on light. Without a margin OpenCV alone reads
# nothing; ZBar does. One pixel a module is enough for two of the four, two pixels for all.
#
# For who runs a login service: the page's theme decides whether people can enrol. Draw black on white with a margin of four modules on a ground of
# its own, in every theme.
# Doorward has no second factor yet; that is how its code is to be drawn.
#
# Installs the packages in a temporary folder, runs them, and fails when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'segno==1.6.6' 'opencv-python-headless==5.0.0.93' 'zxing-cpp==3.1.1' 'pillow==13.0.0' 'pyzbar==0.1.9'
npm install --silent --no-audit --no-fund --ignore-scripts jsqr@1.4.0 pngjs@7.0.0
mkdir -p packages/partial
apt-get download -qq libzbar0=0.23.92-7+deb12u1 libdbus-1-3 libv4l-0 libv4lconvert0 libjpeg62-turbo libx11-6 libxcb1 libxau6 libxdmcp6 libsystemd0 2> /dev/null
for package in ./*.deb; do dpkg -x "$package" root; done
cat > probe.py <<'PYTHON'
import ctypes.util
import io

import cv2
import numpy
import segno
import zxingcpp
from PIL import Image

system = ctypes.util.find_library
ctypes.util.find_library = lambda name: "libzbar.so.0" if name == "zbar" else system(name)
from pyzbar import pyzbar

URI = "otpauth://totp/Example:ann%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Example"
PICTURES = {
    "black on white": dict(dark="black", light="white"),
    "without a margin": dict(dark="black", light="white", border=0),
    "white on black": dict(dark="white", light="black"),
    "light grey on dark grey": dict(dark="#e6e6e6", light="#1e1e1e"),
    "grey on grey": dict(dark="#555555", light="#999999"),
    "blue on white": dict(dark="#1d4ed8", light="white"),
    "two pixels a module": dict(dark="black", light="white", scale=2),
    "one pixel a module": dict(dark="black", light="white", scale=1),
}
for name, look in PICTURES.items():
    data = io.BytesIO()
    segno.make(URI, micro=False, error="m").save(data, kind="png", **{"scale": 5, "border": 4, **look})
    picture = Image.open(data).convert("RGB")
    picture.save(f"{name.replace(' ', '_')}.png")
    pixels = numpy.array(picture)
    readers = {
        "OpenCV": cv2.QRCodeDetector().detectAndDecode(pixels[:, :, ::-1].copy())[0] == URI,
        "zxing-cpp": [found.text for found in zxingcpp.read_barcodes(pixels)] == [URI],
        "ZBar": [found.data.decode() for found in pyzbar.decode(picture)] == [URI],
    }
    for reader, read in readers.items():
        print(f"{name}: {reader} {'reads it' if read else 'does not'}")
PYTHON
cat > probe.cjs <<'JAVASCRIPT'
const { readdirSync, readFileSync } = require("node:fs");
const jsQR = require("jsqr");
const { PNG } = require("pngjs");
for (const file of readdirSync(".").filter((each) => each.endsWith(".png"))) {
  const { data, width, height } = PNG.sync.read(readFileSync(file));
  const found = (jsQR.default ?? jsQR)(new Uint8ClampedArray(data), width, height);
  console.log(`${file.replace(".png", "").replaceAll("_", " ")}: jsQR ${found?.data.startsWith("otpauth://") ? "reads it" : "does not"}`);
}
JAVASCRIPT
{
    LD_LIBRARY_PATH=root/usr/lib/x86_64-linux-gnu env/bin/python probe.py
    node probe.cjs
} > seen.txt
LC_ALL=C sort -o seen.txt seen.txt
cat seen.txt
cat > expected.txt <<'TEXT'
black on white: OpenCV reads it
black on white: ZBar reads it
black on white: jsQR reads it
black on white: zxing-cpp reads it
blue on white: OpenCV reads it
blue on white: ZBar reads it
blue on white: jsQR reads it
blue on white: zxing-cpp reads it
grey on grey: OpenCV reads it
grey on grey: ZBar reads it
grey on grey: jsQR reads it
grey on grey: zxing-cpp reads it
light grey on dark grey: OpenCV does not
light grey on dark grey: ZBar does not
light grey on dark grey: jsQR reads it
light grey on dark grey: zxing-cpp reads it
one pixel a module: OpenCV does not
one pixel a module: ZBar does not
one pixel a module: jsQR reads it
one pixel a module: zxing-cpp reads it
two pixels a module: OpenCV reads it
two pixels a module: ZBar reads it
two pixels a module: jsQR reads it
two pixels a module: zxing-cpp reads it
white on black: OpenCV does not
white on black: ZBar does not
white on black: jsQR reads it
white on black: zxing-cpp reads it
without a margin: OpenCV does not
without a margin: ZBar reads it
without a margin: jsQR reads it
without a margin: zxing-cpp reads it
TEXT
diff expected.txt seen.txt >&2 || { echo "changed: see the lines above" >&2; exit 1; }
echo "as stated"
