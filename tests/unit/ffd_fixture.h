/* SPDX-License-Identifier: MIT */
/*
 * ffd_fixture.h - Russian fiscal documents made for tests, what they stand in, and what reading
 * them told.
 */
#ifndef CHEK_TESTS_FFD_FIXTURE_H
#define CHEK_TESTS_FFD_FIXTURE_H

#include "engine/base/writer.h"
#include "ingest/ffd_container.h"
#include "ingest/ffd_reader.h"

#define FFD_FIXTURE_SIZE 8192

/* Begin a document of the test's register, with number and time; end it with ffd_end(). */
size_t ffd_begin(struct chek_writer *out, uint16_t code, uint32_t number);
void ffd_end(struct chek_writer *out, size_t opened);
void ffd_text(struct chek_writer *out, uint16_t tag, const char *text);

/* A receipt of one line of 100.00 in cash. */
size_t ffd_receipt(uint8_t *bytes, uint32_t number);

/* A document's elements as the JSON of its kind: numbers, texts, and objects with the names of the table
 * of tags. Bytes, and what the table does not know, are left away. */
void ffd_json(const uint8_t *document, size_t size, char *ret, size_t ret_size);

/* What a document may stand in. */
enum ffd_form {
    FFD_ALONE,
    FFD_SIGNED,
    FFD_BARE,   /* a container without its size and sum */
    FFD_STORED, /* placeholders there */
    FFD_CONTAINED,
    FFD_SENT,        /* a message without a sum */
    FFD_SENT_SUMMED, /* of head and body */
    FFD_FORM_COUNT
};

/* Put a document, `size` bytes of it, into a form; returns the size of the whole. */
size_t ffd_wrap(enum ffd_form form, const uint8_t *document, size_t size, uint32_t number,
                uint8_t *ret);
/* Set the sums of a container or message anew after it was changed. */
void ffd_resum(enum ffd_form form, uint8_t *bytes, size_t size);

/* The INN of samples is made up: of all that comes of them it is told. (C21) */
#define FFD_TOLD "0 document 20000\n"

/* What a reader told: documents as encoded bytes, everything as a line of text. */
struct ffd_told {
    uint8_t documents[65536];
    size_t documents_size;
    char text[4096];
    size_t text_size;
    unsigned document_count, refusal_count, passed_count;
};

/* Read bytes in pieces of a size; returns what reading ended with. */
int ffd_read(const uint8_t *bytes, size_t size, size_t piece, struct ffd_told *told);
/* Read JSON in the same way; all of it, or fail. */
void ffd_read_json(const char *text, struct ffd_told *told);
int ffd_on_document(void *context, uint64_t offset, const struct chek_document *document,
                    uint32_t warnings);

#endif
