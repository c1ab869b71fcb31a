/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ffd.c - any bytes as Russian fiscal documents.
 *
 * The first byte is the size of the pieces. Whole or in pieces, the reader tells the same; every
 * document it gives passes the encoder and is the same again when it is decoded. As elements, the
 * bytes are walked, and what was walked to the end and written anew is the same bytes.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "ingest/ffd_reader.h"
#include "ingest/ffd_tlv.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/told.h"

static int
on_refusal(void *context, uint64_t offset, const struct chek_fault *fault, const char *text)
{
    CHEK_ASSERT(fault->code != CHEK_OK && text != NULL && text[0] != 0);
    told_note(context, &offset, sizeof offset);
    told_note(context, text, strlen(text));
    return CHEK_OK;
}

static int
on_passed(void *context, uint64_t offset, const char *name)
{
    told_note(context, &offset, sizeof offset);
    told_note(context, name, strlen(name));
    return CHEK_OK;
}

static struct told
read_pieces(const uint8_t *bytes, size_t size, size_t piece)
{
    struct told told = {0};
    const struct chek_ffd_sink sink = {&told, told_document, on_refusal, on_passed};
    struct chek_ffd_reader *reader;
    int error = chek_ffd_reader_create(&sink, &reader);
    CHEK_ASSERT(error == CHEK_OK);
    for (size_t at = 0; at < size && error == CHEK_OK; at += piece) {
        error = chek_ffd_reader_read(reader, bytes + at, size - at < piece ? size - at : piece);
    }
    if (error == CHEK_OK) {
        error = chek_ffd_reader_end(reader);
    }
    CHEK_ASSERT(error == CHEK_OK || error == CHEK_E_MAGIC);
    told_note(&told, &error, sizeof error);
    chek_ffd_reader_destroy(reader);
    return told;
}

/* Write what a walk gives: the same tree, and so the same bytes. */
static void
walk_write(const uint8_t *bytes, size_t size)
{
    static uint8_t again[1u << 20];
    struct chek_writer out = chek_writer_over(again, sizeof again);
    struct chek_ffd_walk walk;
    struct chek_ffd_element element;
    size_t opened[CHEK_FFD_DEPTH_MAX + 1];
    uint16_t depth = 0;
    size = size < sizeof again ? size : sizeof again;
    chek_ffd_walk_begin(&walk, chek_bytes_view_of(bytes, size));
    while (chek_ffd_walk_next(&walk, &element)) {
        while (depth > element.depth) {
            chek_ffd_close(&out, opened[--depth]);
        }
        if (element.known != NULL && element.known->type == CHEK_FFD_NESTED) {
            opened[depth++] = chek_ffd_open(&out, element.tag);
        } else {
            chek_ffd_put_bytes(&out, element.tag, element.value);
        }
    }
    while (depth > 0) {
        chek_ffd_close(&out, opened[--depth]);
    }
    CHEK_ASSERT(!out.full);
    CHEK_ASSERT(walk.error != CHEK_OK || (out.size == size && memcmp(again, bytes, size) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct told whole = read_pieces(bytes + 1, size - 1, size);
    struct told pieces = read_pieces(bytes + 1, size - 1, 1 + bytes[0] % 64u);
    CHEK_ASSERT(whole.hash == pieces.hash);
    walk_write(bytes + 1, size - 1);
    if (size > 5) {
        walk_write(bytes + 5, size - 5);
    }
    return 0;
}
