#pragma once
// First, so that every C module sees libc with the same feature macros (some of these headers define _GNU_SOURCE).
#include <features.h>
#include <zlib.h>
