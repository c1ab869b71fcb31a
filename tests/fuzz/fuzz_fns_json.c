/* SPDX-License-Identifier: MIT */
/*
 * fuzz_fns_json.c - any bytes as Russian receipts in JSON.
 *
 * The first byte is the size of the pieces. Whole or in pieces, the reader finds the same documents
 * and refuses the same ones at the same places; every document it gives passes the encoder and is
 * the same again when it is decoded.
 */
#include "engine/base/assertion.h"
#include "ingest/fns_json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/told.h"

static struct told
read_pieces(const uint8_t *bytes, size_t size, size_t piece)
{
    struct told told = {0};
    const struct chek_fns_json_sink sink = {&told, told_document, told_refusal, NULL};
    struct chek_fns_json *reader;
    int error = chek_fns_json_create(&sink, &reader);
    CHEK_ASSERT(error == CHEK_OK);
    for (size_t at = 0; at < size && error == CHEK_OK; at += piece) {
        error = chek_fns_json_read(reader, bytes + at, size - at < piece ? size - at : piece);
    }
    if (error == CHEK_OK) {
        error = chek_fns_json_end(reader);
    }
    CHEK_ASSERT(error == CHEK_OK || error == CHEK_E_MAGIC);
    told_note(&told, &error, sizeof error);
    chek_fns_json_destroy(reader);
    return told;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct told whole = read_pieces(bytes + 1, size - 1, size);
    struct told pieces = read_pieces(bytes + 1, size - 1, 1 + bytes[0] % 64u);
    CHEK_ASSERT(whole.count == pieces.count && whole.hash == pieces.hash);
    return 0;
}
