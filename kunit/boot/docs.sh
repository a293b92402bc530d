#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes the documentation, with the kernel's own kernel-doc. A warning of a tool
# is an error, and so is a public name that is not described.
#
#	docs.sh			HTML in build/docs/html, man pages in
#				build/docs/man/man9
#	docs.sh list		the list of public names for bytepool.rst

# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

docs=$build/docs
pages=$docs/man/man9

# Where kernel-doc comments on public names are.
described=(bytepool.h bytepool.c pool/buf.c pool/objects.c pool/raw.c
	pool/stats.c pool/wrap.c pool/reserve.c pool/wait.c kernel/devm.c)

cd "$top"
need_packages docs
srctree=$("$here/prepare.sh" source)
# The source is for others, too: nothing compiled is left in it.
export srctree PYTHONDONTWRITEBYTECODE=1

# Functions, macros and described structs of bytepool.h, in its order.
public_names()
{
	local struct='^ \* struct bytepool_[a-z_]+' \
		function='\b(__)?(devm_)?bytepool_[a-z_]+\(' \
		macro='^#define [A-Z_]+BYTEPOOL[A-Z_]*\('

	grep -E "$struct - |^[^/ ]" bytepool.h |
		grep -oE "$struct|$function|$macro" |
		sed 's/^#define //; s/^ \* struct //; s/($//' |
		awk '!seen[$0]++'
}

# A page for each public name. kernel-doc's pages are one after the other, each
# names all of its file as "see also", and so do parts that belong to no page. It
# leaves the quotes of literals as they are.
man_pages()
{
	rm -rf "$docs/man"
	mkdir -p "$pages"
	public_names >"$docs/names"
	python3 "$srctree/scripts/kernel-doc" -Werror -man -M bytepool \
		"${described[@]}" >"$docs/all.man"
	awk -v "pages=$pages" '
		FNR == NR { public[$1]; next }
		/^\.TH / {
			split($0, part, "\"")
			name = part[2]
			sub(/^struct /, "", name)
			page = name in public ? pages "/" name ".9" : ""
			also = 0
		}
		/^\.SH "SEE ALSO"/ { also++ }
		also == 1 && match($0, /\\fB[a-zA-Z_ ]+\\fR\(9\)/) {
			name = substr($0, 4, RLENGTH - 9)
			sub(/^struct /, "", name)
			if (!(name in public))
				next
		}
		page && also < 2 { gsub(/``/, ""); print >page }
	' "$docs/names" "$docs/all.man"
}

html()
{
	rm -rf "$docs/html"
	sphinx-build -q -W --keep-going -b html -d "$docs/tree" Documentation \
		"$docs/html"
}

# Each public name and what it is, as a table in reStructuredText.
list()
{
	local name rule

	rule="$(printf '=%.0s' {1..26}) $(printf '=%.0s' {1..51})"
	echo "$rule"
	while read -r name; do
		printf '%-26s %s\n' "$name" "$(sed -n \
			'/^\.SH NAME/ { n; s/.* \\- //p; q }' "$pages/$name.9")"
	done <"$docs/names"
	echo "$rule"
}

# The same as bytepool.rst has it, for those who have no HTML.
list_in_reference()
{
	sed '1,/^API reference$/d' Documentation/bytepool.rst |
		awk '/^=+ =+$/ { print; nr++; next } nr == 1'
}

# Names each public name that a page, or the HTML, does not have.
missing()
{
	local name

	while read -r name; do
		[ -s "$pages/$name.9" ] || echo "no man page: $name"
		grep -q "id=\"c\.$name\"" "$docs/html/bytepool.html" ||
			echo "not in the HTML: $name"
	done <"$docs/names"
}

mkdir -p "$docs"
man_pages
case ${1:-} in
'')
	html
	if missing | grep .; then
		exit 1
	fi
	list_in_reference | diff -u --label bytepool.rst - \
		--label "what docs.sh list prints" <(list)
	echo "HTML: $docs/html/index.html"
	echo "man pages: man -M $docs/man bytepool_get_buf"
	;;
list)
	list
	;;
*)
	sed -n 's/^# \?//; 4,9p' "$0"
	exit 2
	;;
esac
