#!/bin/sh
# Compiles greenwall.bpf.o, which is kept beside its source so that nobody needs a compiler to run it.
#
#   data/bpf/build.sh [FILE]    writes FILE, else greenwall.bpf.o
#
# Needs clang, llvm-strip and libbpf's headers; Debian: clang llvm libbpf-dev.
set -eu
cd "$(dirname "$0")"
out=${1:-greenwall.bpf.o}
machine=$(uname -m)
clang -O2 -g -Wall -Werror -target bpf -ffile-prefix-map="$PWD"=. -I"/usr/include/$machine-linux-gnu" \
    -c greenwall.bpf.c -o "$out"
llvm-strip -g "$out" 2>/dev/null || llvm-strip-"$(clang -dumpversion | cut -d. -f1)" -g "$out"
