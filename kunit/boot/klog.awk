# SPDX-License-Identifier: GPL-2.0
#
# Prints the lines of a kernel log (dmesg -r) that nobody wants to see, and
# exits with 1 if there are any. With -v strict=1 what bytepool itself reports as
# an error is among them; without, it is not: unit tests provoke it.

function level(line)
{
	return match(line, /^<[0-9]+>/) ? substr(line, 2) % 8 : 6
}

# Loading any module that Debian has not signed says this.
/loading out-of-tree module taints kernel/ ||
/module verification failed: signature .* tainting kernel/ {
	next
}

/WARNING:|BUG:|kernel BUG|Oops|Kernel panic|general protection fault/ ||
/INFO: .*(stall|hung|blocked|lockup|possible)|\*\*\* DEADLOCK|ODEBUG/ ||
/suspicious RCU|inconsistent lock state|KASAN|UBSAN|refcount_t:/ ||
/Objects remaining|sysfs: cannot create|debugfs: .*already/ ||
/page allocation failure|-error on swap-device/ && strict ||
(strict && level($0) <= 3 && /bytepool|bytecast|bounce/) {
	sub(/\r$/, "")
	print
	bad = 1
}

END {
	if (!NR)
		print "there is no kernel log"
	exit bad || !NR
}
