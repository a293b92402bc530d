# SPDX-License-Identifier: GPL-2.0
#
# What all plots share. The background is drawn, so that they are legible on
# a dark page too; bytepool's lines are thick.

set terminal svg size 1200,520 dynamic background 'white' font 'sans,13' name 'plot'
set encoding utf8
set border 3
set grid ytics lc rgb '#dddddd'
set tics nomirror
set logscale xy
set yrange [1:100000]
set xrange [100:2600000]
set xtics ('128' 128, '2K' 2048, '64K' 65536, '2M' 2097152)
set xlabel 'size in bytes' offset 0,0.3
set key below horizontal maxcols 3 samplen 1.5 width -1 font ',11'
set bmargin 7
set style line 1 lw 3 pt 7 ps 0.6 lc rgb '#0b5fa5'
set style line 2 lw 3 pt 5 ps 0.6 lc rgb '#2a9d8f'
set style line 3 lw 3 pt 9 ps 0.6 lc rgb '#7b2cbf'
set style line 4 lw 1.5 pt 4 ps 0.6 lc rgb '#d9822b'
set style line 5 lw 1.5 pt 6 ps 0.6 lc rgb '#c1121f'
set style line 6 lw 1.5 pt 8 ps 0.6 lc rgb '#6a994e'
set style line 7 lw 1.5 pt 10 ps 0.6 lc rgb '#8a6d3b'
set style line 8 lw 1.5 pt 12 ps 0.6 lc rgb '#666666'
set style line 9 lw 1.5 pt 2 ps 0.6 lc rgb '#222222'
