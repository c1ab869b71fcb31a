/* SPDX-License-Identifier: MIT */
/*
 * fuzz_export.c - any bytes as what `chek export` wrote.
 *
 * The first byte is the size of the pieces and says which form: bit 7 is CSV. Whole or in pieces,
 * the reader finds the same documents and refuses the same ones at the same places; every document
 * it gives passes the encoder and is the same again when it is decoded.
 */
#include "engine/base/assertion.h"
#include "ingest/export_read.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/told.h"

#define CSV_BIT 0x80

static struct told
read_pieces(const uint8_t *bytes, size_t size, size_t piece, enum chek_export_format format)
{
    struct told told = {0};
    const struct chek_fns_json_sink sink = {&told, told_document, told_refusal, NULL};
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
    told_note(&told, &error, sizeof error);
    chek_export_read_destroy(reader);
    return told;
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
    struct told whole = read_pieces(bytes + 1, size - 1, size, format);
    struct told pieces = read_pieces(bytes + 1, size - 1, piece, format);
    CHEK_ASSERT(whole.count == pieces.count && whole.hash == pieces.hash);
    CHEK_ASSERT(chek_export_detect(bytes + 1, size - 1) == CHEK_EXPORT_NONE || size > 5);
    return 0;
}
