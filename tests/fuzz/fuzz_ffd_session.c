/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ffd_session.c - any bytes as a connection of a Russian register.
 *
 * The first byte is the size of the pieces. Whole or in pieces, the same messages are found and the
 * same answers written; every answer is a message that says 7 of the question's drive, and every
 * document that is made passes the encoder.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "ingest/ffd_document.h"
#include "ingest/ffd_session.h"
#include "tests/fuzz/fuzz.h"

#define CARRY_SIZE (512u * 1024)
#define DOCUMENT_SIZE_MAX (1u << 20)

struct line {
    uint8_t carry[CARRY_SIZE];
    size_t size;
    uint64_t hash; /* of all that was answered and made */
    bool is_lost;
};

static struct chek_ffd_maker *maker;

static void
note(struct line *line, const void *bytes, size_t size)
{
    line->hash = chek_checksum_seeded(bytes, size, line->hash);
}

static void
answer(struct line *line, const struct chek_ffd_asked_message *asked, enum chek_ffd_verdict verdict)
{
    uint8_t bytes[CHEK_FFD_ANSWER_SIZE_MAX];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    struct chek_ffd_reply reply = chek_ffd_reply_to(asked);
    struct chek_ffd_message head;
    if (asked->kind == CHEK_FFD_PING) {
        chek_ffd_ping_write(&reply, &out);
    } else {
        chek_ffd_reply_write(&reply, verdict, chek_bytes_view_text("7704211201"), &out);
    }
    struct chek_bytes_view whole = chek_bytes_view_of(bytes, out.size);
    int error = chek_ffd_message_read(whole, &head);
    CHEK_ASSERT(error == CHEK_OK &&
                out.size == CHEK_FFD_MESSAGE_HEAD_SIZE + (size_t)head.body_size);
    CHEK_ASSERT(chek_ffd_message_check(&head, whole) == CHEK_OK);
    CHEK_ASSERT(strcmp(head.drive, asked->head.drive) == 0);
    if (asked->kind == CHEK_FFD_DOCUMENT) { /* its drive is a number: it was compared */
        struct chek_ffd_found found;
        error = chek_ffd_find(whole, &found);
        CHEK_ASSERT(error == CHEK_OK && found.code == 7 && found.drive == asked->found.drive);
    }
    note(line, bytes, out.size);
}

static void
document_make(struct line *line, const struct chek_ffd_asked_message *asked)
{
    static uint8_t bytes[DOCUMENT_SIZE_MAX];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    struct chek_ffd_made made;
    struct chek_fault fault = {0};
    char why[CHEK_FFD_WHY_SIZE];
    int error = chek_ffd_make(maker, &asked->found, &made, &fault, why);
    if (error == CHEK_OK && made.kept) {
        chek_document_encode(&out, &made.document);
    } else if (error == CHEK_OK && made.registers) {
        chek_register_encode(&out, made.document.profile);
    }
    CHEK_ASSERT(!out.full);
    note(line, bytes, out.size);
    answer(line, asked, error == CHEK_OK ? CHEK_FFD_ACCEPTED : CHEK_FFD_NOT_VALID);
}

static void
run(struct line *line)
{
    while (!line->is_lost) {
        struct chek_ffd_asked_message asked;
        int error = chek_ffd_asked_read(chek_bytes_view_of(line->carry, line->size), &asked);
        if (error == CHEK_E_SHORT) {
            return;
        }
        note(line, &error, sizeof error);
        if (error != CHEK_OK) {
            line->is_lost = true;
            return;
        }
        CHEK_ASSERT(asked.size >= CHEK_FFD_MESSAGE_HEAD_SIZE && asked.size <= line->size);
        if (asked.kind == CHEK_FFD_DOCUMENT) {
            document_make(line, &asked);
        } else {
            CHEK_ASSERT(asked.kind == CHEK_FFD_PING || (asked.verdict != 0 && asked.why != NULL));
            answer(line, &asked, (enum chek_ffd_verdict)asked.verdict);
        }
        line->size -= asked.size;
        memmove(line->carry, line->carry + asked.size, line->size);
    }
}

static uint64_t
line_run(const uint8_t *bytes, size_t size, size_t piece)
{
    static struct line line;
    line.size = 0;
    line.hash = 0;
    line.is_lost = false;
    for (size_t at = 0; at < size && !line.is_lost; at += piece) {
        size_t step = size - at < piece ? size - at : piece;
        memcpy(line.carry + line.size, bytes + at, step);
        line.size += step;
        run(&line);
    }
    return line.hash;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0 || size > CARRY_SIZE) {
        return 0;
    }
    if (maker == NULL) {
        int error = chek_ffd_maker_create(&maker);
        CHEK_ASSERT(error == CHEK_OK);
    }
    uint64_t whole = line_run(bytes + 1, size - 1, size);
    uint64_t pieces = line_run(bytes + 1, size - 1, 1 + bytes[0] % 64u);
    CHEK_ASSERT(whole == pieces);
    return 0;
}
