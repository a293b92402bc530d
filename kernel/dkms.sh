#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Installs the header and the symbols that drivers outside the tree build
# against. DKMS runs it for dkms.conf. It removes the folder of a build before it
# installs the module, so the two files are kept in between:
#
#   dkms.sh keep KEPT		copies them from this folder to KEPT
#   dkms.sh install KEPT TO	copies them from there to TO
#   dkms.sh remove TO		removes them
set -e

files='bytepool.h Module.symvers'

case $1 in
keep)
	mkdir -p "$2"
	for file in $files; do
		install -m 644 "$file" "$2/$file"
	done
	;;
install)
	for file in $files; do
		install -D -m 644 "$2/$file" "$3/$file"
	done
	;;
remove)
	for file in $files; do
		rm -f "$2/$file"
	done
	rmdir --ignore-fail-on-non-empty "$2" "$(dirname "$2")"
	;;
esac
