/* SPDX-License-Identifier: MIT */
/* told.c - what a reader of documents told, as one number. */
#include "tests/fuzz/told.h"

#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"

#define DOCUMENT_SIZE_MAX (1u << 20)

void
told_note(struct told *told, const void *bytes, size_t size)
{
    told->hash = chek_checksum_seeded(bytes, size, told->hash);
    told->count += 1;
}

int
told_document(void *told, uint64_t offset, const struct chek_document *document, uint32_t warnings)
{
    static uint8_t first[DOCUMENT_SIZE_MAX], second[DOCUMENT_SIZE_MAX];
    static _Alignas(16) uint8_t memory[4 << 20];
    struct chek_arena arena;
    struct chek_document again;
    struct chek_fault fault;
    struct chek_writer out = chek_writer_over(first, sizeof first);
    struct chek_writer out_again = chek_writer_over(second, sizeof second);

    chek_document_encode(&out, document);
    CHEK_ASSERT(!out.full);
    chek_arena_init_over(&arena, memory, sizeof memory);
    int error = chek_document_decode_whole(first, out.size, &arena, &again, &fault);
    CHEK_ASSERT(error == CHEK_OK);
    chek_document_encode(&out_again, &again);
    CHEK_ASSERT(out_again.size == out.size && memcmp(first, second, out.size) == 0);
    told_note(told, first, out.size);
    told_note(told, &offset, sizeof offset);
    told_note(told, &warnings, sizeof warnings);
    return CHEK_OK;
}

int
told_refusal(void *told, uint64_t offset, const struct chek_fault *fault, const char *text)
{
    CHEK_ASSERT(fault->code != CHEK_OK && text != NULL);
    told_note(told, &offset, fault->code == CHEK_E_MAGIC ? 0 : sizeof offset);
    told_note(told, &fault->code, sizeof fault->code);
    told_note(told, &fault->field, sizeof fault->field);
    told_note(told, &fault->index, sizeof fault->index);
    return CHEK_OK;
}
