/* SPDX-License-Identifier: MIT */
/*
 * ask_person.c - who a subject is.
 *
 * Subjects of organisations that share a partition stand beside each other, and nothing beside them says
 * whose they are. So who asks says whose a subject is, by an organisation that he sees all of or by a
 * document that he sees and that names it, and the value that is opened has to make that subject.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/fiscal/prove.h"
#include "query/host.h"

#define VALUE_SIZE_MAX 255
#define ORGANISATION_SIZE_MAX 32 /* protocol.def */

struct person_state {
    uint32_t registration; /* 0: an organisation was named, and no document */
    uint32_t ordinal;
    uint8_t subject[16];
    uint8_t organisation_size;
    uint8_t organisation[ORGANISATION_SIZE_MAX];
};

_Static_assert(sizeof(struct person_state) <= CHEK_VISIT_STATE_SIZE, "a visit's state");

/* ---- shared with ask_person_receipts ---------------------------------------------------------- */

int
query__subject(struct chek_query_host *host, struct chek_visit *visit,
               const struct chek_person_query *question, struct chek_bytes_view organisation,
               uint8_t ret[16])
{
    static const uint8_t nobody[16];
    bool is_subject = memcmp(question->subject, nobody, sizeof nobody) != 0;
    int error = CHEK_E_FIELD_MISSING;
    visit->fault = (struct chek_fault){.field = CHEK_FIELD_PERSON_QUERY_SUBJECT};
    if (question->value.size != 0) {
        visit->fault.field = CHEK_FIELD_PERSON_QUERY_VALUE;
        error = is_subject ? CHEK_E_RANGE
                           : host->port.subject_of(host->port.context, organisation, question->kind,
                                                   question->value, ret);
        memset(visit->question, 0, visit->question_size);
        visit->question_size = 0; /* all that steps need is in the state */
    } else if (is_subject) {
        memcpy(ret, question->subject, sizeof nobody);
        error = CHEK_OK;
    }
    return error;
}

bool
query__names(const struct chek_document *document, const uint8_t subject[16])
{
    const struct chek_receipt *receipt = document->receipt;
    if (receipt == NULL) {
        return false;
    }
    bool names = memcmp(receipt->subject, subject, sizeof receipt->subject) == 0;
    for (uint32_t i = 0; i < receipt->persons_count; i++) {
        names = names || memcmp(receipt->persons[i].subject, subject,
                                sizeof receipt->persons[i].subject) == 0;
    }
    return names;
}

/* ---- at the origin ---------------------------------------------------------------------------- */

/* By a document: whose it is. */
static int
document_find(struct chek_query_host *host, struct chek_visit *visit,
              const struct chek_person_query *question, struct chek_bytes_view *ret_organisation)
{
    struct person_state *state = (void *)visit->state;
    struct chek_registered known;
    visit->fault = (struct chek_fault){.field = CHEK_FIELD_PERSON_QUERY_ORDINAL};
    if (question->ordinal == 0) {
        return CHEK_E_FIELD_MISSING;
    }
    int error = query__visit_register(host, visit, question->target, CHEK_FIELD_PERSON_QUERY_TARGET,
                                      &state->registration);
    if (error == CHEK_OK) {
        error = chek_directory_registered(query__directory(host), state->registration,
                                          chek_request_arena(visit->request), &known);
    }
    if (error == CHEK_OK) {
        state->ordinal = question->ordinal - 1;
        *ret_organisation = known.profile->organisation;
    }
    return error;
}

static int
begin(struct chek_query_host *host, struct chek_visit *visit)
{
    struct person_state *state = (void *)visit->state;
    struct chek_person_query question;
    struct chek_bytes_view organisation;
    int error = chek_person_query_decode_whole(visit->question, visit->question_size,
                                               chek_request_arena(visit->request), &question,
                                               &visit->fault);
    if (error != CHEK_OK) {
        return error;
    }
    organisation = question.organisation;
    if (question.target != NULL) {
        error = document_find(host, visit, &question, &organisation);
    } else {
        error = query__visit_organisation(host, visit, organisation,
                                          CHEK_FIELD_PERSON_QUERY_ORGANISATION);
    }
    if (error == CHEK_OK) {
        CHEK_ASSERT(organisation.size <= sizeof state->organisation);
        state->organisation_size = (uint8_t)organisation.size;
        if (organisation.size != 0) {
            memcpy(state->organisation, organisation.bytes, organisation.size);
        }
        error = query__subject(host, visit, &question,
                               chek_bytes_view_of(state->organisation, organisation.size),
                               state->subject);
    }
    return error;
}

/* ---- at the owner ----------------------------------------------------------------------------- */

/* Whether the document that was named names the subject. */
static int
document_check(const struct person_state *state, const struct chek_visit_ground *ground)
{
    const struct chek_fiscal *fiscal = chek_partition_fiscal(ground->partition);
    struct chek_row row;
    struct chek_document document;
    if (state->registration == 0) {
        return CHEK_OK;
    }
    if (state->ordinal < chek_fiscal_removed(fiscal, state->registration)) {
        return CHEK_E_REMOVED;
    }
    int error = chek_store_read(chek_partition_store(ground->partition), state->registration,
                                state->ordinal, ground->arena, &row, &document);
    return error != CHEK_OK || query__names(&document, state->subject) ? error : CHEK_E_NOT_FOUND;
}

/* The value, or that there is none. NOT_FOUND: it is not of the organisation, or not known at all. */
static int
person_read(const struct person_state *state, const struct chek_visit_ground *ground,
            uint8_t value[VALUE_SIZE_MAX], struct chek_known_person *ret)
{
    struct chek_bytes_view organisation =
        chek_bytes_view_of(state->organisation, state->organisation_size);
    struct chek_bytes_view secret;
    struct chek_erasure erasure;
    size_t size = 0;
    memcpy(ret->subject, state->subject, sizeof ret->subject);
    int error = chek_partition_subject(ground->partition, state->subject, &secret);
    if (error == CHEK_E_NOT_FOUND) {
        error = chek_partition_erasure(ground->partition, state->subject, &erasure);
        if (error == CHEK_OK && !chek_bytes_view_equal(erasure.organisation, organisation)) {
            error = CHEK_E_NOT_FOUND;
        }
        ret->erased = error == CHEK_OK ? erasure.erased : 0;
        return error;
    }
    error = ground->persons->open(ground->persons->key, organisation, state->subject, secret, value,
                                  &size, &ret->kind);
    if (error == CHEK_E_CORRUPT) {
        ret->sealed = true;
        return CHEK_OK;
    }
    ret->value = chek_bytes_view_of(value, size);
    return error;
}

static enum chek_visit_next
run(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    const struct person_state *state = (const void *)visit->state;
    struct chek_known_person answer = {0};
    uint8_t value[VALUE_SIZE_MAX];
    visit->done = true;
    visit->fault = (struct chek_fault){0};
    visit->error = document_check(state, ground);
    if (visit->error == CHEK_OK) {
        visit->error = person_read(state, ground, value, &answer);
    }
    if (visit->error == CHEK_OK) {
        struct chek_writer out = query__chunk_begin(visit);
        chek_known_person_encode(&out, &answer);
        query__chunk_end(visit, &out);
    }
    return CHEK_VISIT_HOME;
}

const struct query__kind query__person = {.opcode = CHEK_OPCODE_ASK_PERSON,
                                          .begin = begin,
                                          .run = run};
