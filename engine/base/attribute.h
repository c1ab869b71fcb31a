/* SPDX-License-Identifier: MIT */
/*
 * attribute.h - the few compiler words that every room uses.
 *
 * Nothing here changes control flow: a macro that hides a return is not wanted in this project.
 */
#ifndef CHEK_BASE_ATTRIBUTE_H
#define CHEK_BASE_ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A function that can fail: ignoring its result does not compile. */
#define CHEK_MUST_USE __attribute__((warn_unused_result))

#define CHEK_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

#define CHEK_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define CHEK_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* Elements of an array (not of a pointer). */
#define CHEK_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The structure that embeds `member` at `pointer`. */
#define CHEK_CONTAINER_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Two threads never share a line of this many bytes by accident. */
#define CHEK_CACHE_LINE_SIZE 64

/*
 * Start loading the cache line of an address, which need not be readable.
 *
 * Not __builtin_prefetch(): gcc takes a function that only prefetches for one that does nothing,
 * and drops calls of it.
 */
static inline void
chek_prefetch(const void *address)
{
#ifdef __x86_64__
    __asm__ volatile("prefetcht0 (%0)" : : "r"(address));
#else
    __builtin_prefetch(address);
#endif
}

/* Ask for a line that will be written, so that stores behind it do not wait for one another. */
static inline void
chek_prefetch_write(const void *address)
{
#ifdef __x86_64__
    __asm__ volatile("prefetchw (%0)" : : "r"(address));
#else
    __builtin_prefetch(address, 1);
#endif
}

__extension__ typedef __int128 chek_i128;
__extension__ typedef unsigned __int128 chek_u128;

#endif
