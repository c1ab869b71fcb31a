/* SPDX-License-Identifier: MIT */
/* heap_text.c - texts of registrations and long keys of rows. */
#include "engine/fiscal/heap_text.h"

#include "engine/base/assertion.h"

#define TEXT_SIZE_MAX 1024
#define TEXT_HEAD_SIZE 2

chek_page_ref
fiscal__text_make(struct chek_page_heap *heap, struct chek_bytes_view text)
{
    CHEK_ASSERT(text.size <= TEXT_SIZE_MAX);
    if (text.size == 0) {
        return 0;
    }
    chek_page_ref ref = chek_page_heap_allocate(heap, (uint32_t)text.size + TEXT_HEAD_SIZE);
    CHEK_ASSERT(ref != 0);
    uint8_t *object = chek_page_heap_change(heap, ref);
    chek_store_u16(object, (uint16_t)text.size);
    memcpy(object + TEXT_HEAD_SIZE, text.bytes, text.size);
    return ref;
}

void
fiscal__text_free(struct chek_page_heap *heap, chek_page_ref ref)
{
    if (ref != 0) {
        size_t size = fiscal__text_view(heap, ref).size;
        chek_page_heap_free(heap, ref, (uint32_t)size + TEXT_HEAD_SIZE);
    }
}

struct chek_bytes_view
fiscal__text_view(const struct chek_page_heap *heap, chek_page_ref ref)
{
    if (ref == 0) {
        return (struct chek_bytes_view){0};
    }
    const uint8_t *object = chek_page_heap_read(heap, ref);
    return chek_bytes_view_of(object + TEXT_HEAD_SIZE, chek_load_u16(object));
}

void
fiscal__text_replace(struct chek_page_heap *heap, chek_page_ref *ref, struct chek_bytes_view text)
{
    if (text.size != 0 && !chek_bytes_view_equal(fiscal__text_view(heap, *ref), text)) {
        fiscal__text_free(heap, *ref);
        *ref = fiscal__text_make(heap, text);
    }
}
