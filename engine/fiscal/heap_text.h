/* SPDX-License-Identifier: MIT */
/*
 * heap_text.h - short immutable texts as heap objects: size (u16), then the bytes. (format)
 *
 * Inside the room only. The empty text is reference 0.
 */
#ifndef CHEK_FISCAL_HEAP_TEXT_H
#define CHEK_FISCAL_HEAP_TEXT_H

#include "engine/base/page_heap.h"

/* Keep a copy of a text of at most 1,024 bytes; room was ensured. */
chek_page_ref fiscal__text_make(struct chek_page_heap *heap, struct chek_bytes_view text);

void fiscal__text_free(struct chek_page_heap *heap, chek_page_ref ref); /* takes 0 */

/* The text, borrowed from the heap. */
struct chek_bytes_view fiscal__text_view(const struct chek_page_heap *heap, chek_page_ref ref);

/* Put `text` in the place of *ref unless it is empty or the same. */
void fiscal__text_replace(struct chek_page_heap *heap, chek_page_ref *ref,
                          struct chek_bytes_view text);

#endif
