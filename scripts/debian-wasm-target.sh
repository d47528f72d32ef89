#!/bin/sh
# A compiler for the plugin from Debian packages, for machines without rustup. Afterwards `cargo xtask` uses it.
#
# Nothing is installed and no root is needed: about 130 MB of packages are unpacked below the target directory. They
# contain a compiler and the source of its standard library, from which cargo builds the library of
# wasm32-unknown-unknown together with the plugin. Both must have the same version, and the active compiler has another
# one, so only cargo and the linker are taken from the active toolchain.
set -eu
cd "$(dirname "$0")/.."

needed=1.95
place=${CARGO_TARGET_DIR:-target}/debian-rust
mkdir -p "$place"
place=$(cd "$place" && pwd)

fail() {
    echo "debian-wasm-target: $*" >&2
    exit 1
}

linker=$(rustc --print sysroot)/lib/rustlib/$(rustc --print host-tuple)/bin/rust-lld
[ -x "$linker" ] || fail "the active toolchain has no linker at $linker"

# apt knows what these packages depend on; the names of the rest contain versions.
wanted=$(apt-get install --simulate --no-install-recommends rustc-web libstd-rust-web-dev rust-web-src |
    sed -n 's/^Inst \([^ ]*\).*(\([^ ]*\) .*/\1=\2/p')
[ -n "$wanted" ] || fail "no package rustc-web to download: run \`apt-get update\` first, or see \`apt-cache policy rustc-web\`"
version=$(echo "$wanted" | sed -n 's/^rustc-web=//p')
dpkg --compare-versions "$version" ge "$needed" || fail "the package sources offer rustc $version; the plugin needs $needed"

# The configuration comes last, so that an interrupted run leaves nothing that looks complete.
rm -rf "$place/config.toml" "$place/packages" "$place/root"
mkdir -p "$place/packages" "$place/root"
# shellcheck disable=SC2086 # one word for each package
(cd "$place/packages" && apt-get download $wanted)
for package in "$place"/packages/*.deb; do
    echo "unpacking $(basename "$package")"
    dpkg-deb -x "$package" "$place/root"
done
# Most of the space, and not needed: the packages themselves and the source of the compiler.
rm -rf "$place/packages" "$place/root/usr/lib/rustlib/src/rust/compiler" "$place/root/usr/lib/rustlib/src/rust/src"

libraries=$(find "$place/root/usr/lib" -maxdepth 2 -name 'lib*.so*' -exec dirname {} + | sort -u | paste -sd: -)
cat >"$place/rustc" <<EOF
#!/bin/sh
LD_LIBRARY_PATH="$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" exec "$place/root/usr/bin/rustc" "\$@"
EOF
chmod +x "$place/rustc"
"$place/rustc" --version || fail "the unpacked compiler does not run on this machine"

cat >"$place/config.toml" <<EOF
# Written by scripts/debian-wasm-target.sh; \`cargo xtask\` passes it to cargo, with RUSTC_BOOTSTRAP=1 for the last table.
[build]
rustc = "$place/rustc"

[target.wasm32-unknown-unknown]
linker = "$linker"

[unstable]
build-std = ["std", "panic_abort"]
EOF
echo "ready: \`cargo xtask\` builds the plugin with it"
