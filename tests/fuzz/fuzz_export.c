/* SPDX-License-Identifier: MIT */
/*
 * fuzz_export.c - any bytes as what `chek export` wrote.
 *
 * The first byte is the size of the pieces and says which form: bit 7 is CSV. Whole or in pieces,
 * the reader finds the same documents and refuses the same ones at the same places; every document
 * it gives passes the encoder and is the same again when it is decoded.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "ingest/export_read.h"
#include "tests/fuzz/fuzz.h"

#define DOCUMENT_SIZE_MAX (1u << 20)
#define CSV_BIT 0x80

struct found {
    uint64_t hash; /* of everything that was told */
    uint64_t count;
};

static void
note(struct found *found, const void *bytes, size_t size)
{
    found->hash = chek_checksum_seeded(bytes, size, found->hash);
    found->count += 1;
}

static int
on_document(void *context, uint64_t offset, const struct chek_document *document, uint32_t warnings)
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
    note(context, first, out.size);
    note(context, &offset, sizeof offset);
    note(context, &warnings, sizeof warnings);
    return CHEK_OK;
}

static int
on_refusal(void *context, uint64_t offset, const struct chek_fault *fault, const char *text)
{
    CHEK_ASSERT(fault->code != CHEK_OK && text != NULL);
    note(context, &offset, fault->code == CHEK_E_MAGIC ? 0 : sizeof offset);
    note(context, &fault->code, sizeof fault->code);
    note(context, &fault->field, sizeof fault->field);
    note(context, &fault->index, sizeof fault->index);
    return CHEK_OK;
}

static struct found
read_pieces(const uint8_t *bytes, size_t size, size_t piece, enum chek_export_format format)
{
    struct found found = {0};
    const struct chek_fns_json_sink sink = {&found, on_document, on_refusal, NULL};
    struct chek_export_read *reader;
    int error = chek_export_read_create(&sink, format, &reader);
    CHEK_ASSERT(error == CHEK_OK);
    for (size_t at = 0; at < size && error == CHEK_OK; at += piece) {
        error = chek_export_read(reader, bytes + at, size - at < piece ? size - at : piece);
    }
    if (error == CHEK_OK) {
        error = chek_export_read_end(reader);
    }
    CHEK_ASSERT(error == CHEK_OK || error == CHEK_E_MAGIC);
    note(&found, &error, sizeof error);
    chek_export_read_destroy(reader);
    return found;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    enum chek_export_format format =
        (bytes[0] & CSV_BIT) != 0 ? CHEK_EXPORT_CSV : CHEK_EXPORT_JSONL;
    size_t piece = 1 + bytes[0] % 64u;
    struct found whole = read_pieces(bytes + 1, size - 1, size, format);
    struct found pieces = read_pieces(bytes + 1, size - 1, piece, format);
    CHEK_ASSERT(whole.count == pieces.count && whole.hash == pieces.hash);
    CHEK_ASSERT(chek_export_detect(bytes + 1, size - 1) == CHEK_EXPORT_NONE || size > 5);
    return 0;
}
