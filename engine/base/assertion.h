/* SPDX-License-Identifier: MIT */
/*
 * assertion.h - assertions are for our own bugs and stay on in release.
 *
 * Bytes from outside can never trip one. CHEK_ASSERT is O(1) and always compiled; CHEK_ASSERT_SLOW
 * walks whole structures and exists in debug and sanitizer builds (CHEK_SLOW_CHECKS).
 */
#ifndef CHEK_BASE_ASSERTION_H
#define CHEK_BASE_ASSERTION_H

#include "engine/base/attribute.h"

#define CHEK_ASSERT(condition) \
    (CHEK_LIKELY(condition) ? (void)0 : chek_assertion_failed(#condition, __FILE__, __LINE__))

#ifdef CHEK_SLOW_CHECKS
#    define CHEK_ASSERT_SLOW(condition) CHEK_ASSERT(condition)
#else
#    define CHEK_ASSERT_SLOW(condition) ((void)sizeof(!(condition)))
#endif

/* Say where on stderr and abort. */
__attribute__((noreturn, cold)) void chek_assertion_failed(const char *condition, const char *file,
                                                           int line);

#endif
