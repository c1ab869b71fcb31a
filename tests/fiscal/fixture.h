/* SPDX-License-Identifier: MIT */
/*
 * fixture.h - fiscal alone over a heap and a store, and short ways to write documents.
 */
#ifndef CHEK_TESTS_FISCAL_FIXTURE_H
#define CHEK_TESTS_FISCAL_FIXTURE_H

#include "engine/fiscal/check.h"
#include "engine/fiscal/fiscal.h"

#define FIXTURE_EVENT_MAX 64
#define FIXTURE_DAY INT64_C(1767225600) /* 2026-01-01T00:00:00 */
#define FIXTURE_REGISTRATION 7

struct fixture {
    struct chek_page_heap heap;
    struct chek_store *store;
    struct chek_arena scratch;
    struct chek_arena arena; /* for what a test reads */
    struct chek_fiscal fiscal;
    struct chek_circumstance circumstance;
    struct chek_event_sink sink;
    struct chek_event events[FIXTURE_EVENT_MAX]; /* of the last call */
    uint32_t event_count;
};

/* Begin with nothing registered, and end. */
void fixture_begin(struct fixture *fixture);
void fixture_end(struct fixture *fixture);

/* Register FIXTURE_REGISTRATION, or any other, at a point. */
void fixture_register(struct fixture *fixture, uint32_t registration, const char *point);

/* Check, ensure and apply; a document that is not in shape is a bug of the test. */
struct chek_result fixture_apply(struct fixture *fixture, uint32_t registration,
                                 const struct chek_document *document);
struct chek_result fixture_receipt(struct fixture *fixture, const struct chek_receipt *receipt);
struct chek_result fixture_movement(struct fixture *fixture, const struct chek_movement *movement);
struct chek_result fixture_close(struct fixture *fixture, const struct chek_close *close);

/* A sale of one line without tax or section, paid in cash. */
struct chek_result fixture_sell(struct fixture *fixture, uint32_t document, uint32_t shift,
                                int64_t total);

/* The report of FIXTURE_REGISTRATION; the test fails when there is none. */
struct chek_answer_report fixture_report(struct fixture *fixture, uint32_t shift,
                                         uint32_t revision);

/* The figures of an operation; zeroes when it has none. */
struct chek_report_operation fixture_operation(const struct chek_report *report, uint8_t operation);

/* Bytes of a report, for comparing two of them; in the fixture's arena. */
struct chek_bytes_view fixture_bytes(struct fixture *fixture,
                                     const struct chek_answer_report *answer);

#endif
