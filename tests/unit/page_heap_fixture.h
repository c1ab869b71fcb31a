/* SPDX-License-Identifier: MIT */
/*
 * page_heap_fixture.h - what the tests of a page heap share.
 */
#ifndef CHEK_TESTS_PAGE_HEAP_FIXTURE_H
#define CHEK_TESTS_PAGE_HEAP_FIXTURE_H

#include "engine/base/page_heap.h"
#include "tests/unit/table.h"

#define PAGE_COUNT_MAX 64

static inline struct chek_page_heap
heap_make(uint32_t root_size)
{
    struct chek_page_heap heap;
    assert_error(chek_page_heap_init(&heap, PAGE_COUNT_MAX, root_size), CHEK_OK);
    return heap;
}

static inline bool
bytes_are_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

#endif
