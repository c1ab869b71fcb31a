/* SPDX-License-Identifier: MIT */
/*
 * query.c - questions in work: the pool, the visits, the chunks on their way out.
 *
 * A visit is in one of three states: under way (another shard's), ready (a chunk waits for room in
 * the connection), or about to be posted. It is given back when its last chunk is out, when it was
 * refused, or when it comes home and nobody waits for it any more.
 */
#include "query/query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/fiscal/prove.h"
#include "query/host.h"

#define STRIDE (CHEK_VISIT_CHUNK_SIZE + CHEK_VISIT_QUESTION_SIZE)
#define CANDIDATE_COUNT 5
#define KEY_SIZE_MAX 64 /* protocol.def */

_Static_assert(STRIDE % 4096 == 0, "whole pages");

static const struct query__kind *const kinds[] = {
    &query__report,     &query__shifts,   &query__receipts,  &query__receipt,        &query__sums,
    &query__registers,  &query__gaps,     &query__reconcile, &query__warnings,       &query__marked,
    &query__sold_again, &query__erasures, &query__person,    &query__person_receipts};

int
chek_query_host_create(const struct chek_query_config *config, const struct chek_query_port *port,
                       struct chek_query_host **ret)
{
    struct chek_query_host *host = chek_memory_allocate(sizeof *host);
    if (host == NULL) {
        return -ENOMEM;
    }
    host->config = *config;
    host->port = *port;
    chek_list_init(&host->free);
    host->memory_size = config->visit_count * (size_t)STRIDE;
    host->visits = chek_memory_allocate(config->visit_count * sizeof *host->visits);
    host->memory = chek_memory_reserve(host->memory_size);
    if (host->visits == NULL || host->memory == NULL ||
        chek_memory_commit(host->memory, host->memory_size) != CHEK_OK) {
        chek_query_host_destroy(host);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < config->visit_count; i++) {
        host->visits[i].chunk = host->memory + i * (size_t)STRIDE;
        host->visits[i].question = host->visits[i].chunk + CHEK_VISIT_CHUNK_SIZE;
        chek_list_add(&host->free, &host->visits[i].link);
        host->free_count += 1;
    }
    *ret = host;
    return CHEK_OK;
}

void
chek_query_host_destroy(struct chek_query_host *host)
{
    if (host == NULL) {
        return;
    }
    chek_memory_free(host->visits, host->config.visit_count * sizeof *host->visits);
    if (host->memory != NULL) {
        chek_memory_release(host->memory, host->memory_size);
    }
    chek_memory_free(host, sizeof *host);
}

bool
chek_query_is_idle(const struct chek_query_host *host)
{
    return host->free_count == host->config.visit_count;
}

const struct chek_waits *
chek_query_report_waits(const struct chek_query_host *host)
{
    return &host->report_waits;
}

const struct chek_directory *
query__directory(struct chek_query_host *host)
{
    return host->port.directory(host->port.context);
}

/* ---- the life of a visit ---------------------------------------------------------------------- */

static struct chek_visit *
visit_take(struct chek_query_host *host, struct chek_request *request,
           const struct query__kind *kind, struct chek_bytes_view body)
{
    if (chek_list_is_empty(&host->free)) {
        return NULL;
    }
    struct chek_visit *visit = CHEK_CONTAINER_OF(host->free.next, struct chek_visit, link);
    chek_list_remove(&visit->link);
    host->free_count -= 1;
    visit->request = request;
    visit->kind = kind;
    visit->run = kind->run;
    visit->work = kind->work;
    visit->is_long = kind->is_long;
    visit->place = visit->prepared = NULL;
    visit->opcode = kind->opcode;
    visit->begin_ns = chek_io_now_ns(host->config.io);
    visit->principal = chek_request_principal(request);
    visit->partition = visit->partition_last = 0;
    visit->under_way = visit->done = visit->ready = false;
    visit->error = CHEK_OK;
    visit->fault = (struct chek_fault){0};
    visit->text[0] = 0;
    visit->chunk_size = 0;
    memset(visit->state, 0, sizeof visit->state);
    visit->carried = 0;
    CHEK_ASSERT(body.size <= CHEK_VISIT_QUESTION_SIZE);
    memcpy(visit->question, body.bytes, body.size);
    visit->question_size = body.size;
    memcpy(chek_request_state(request), &visit, sizeof visit);
    return visit;
}

static void
visit_give(struct chek_query_host *host, struct chek_visit *visit)
{
    visit->request = NULL;
    chek_list_add(host->free.next, &visit->link);
    host->free_count += 1;
}

static void
visit_refuse(struct chek_query_host *host, struct chek_visit *visit)
{
    struct chek_request *request = visit->request;
    int error = visit->error;
    struct chek_fault fault = visit->fault;
    char text[sizeof visit->text];
    memcpy(text, visit->text, sizeof text);
    visit_give(host, visit);
    chek_request_refuse(request, error, &fault, text[0] != 0 ? text : NULL);
}

static void
visit_post(struct chek_query_host *host, struct chek_visit *visit)
{
    visit->under_way = true;
    visit->ready = false;
    visit->chunk_size = 0;
    host->port.visit(host->port.context, visit);
}

/* Whether the chunk at hand is the last of the answer. */
static bool
is_last(const struct chek_visit *visit)
{
    return visit->done && visit->partition >= visit->partition_last;
}

/* Send the chunk if there is room, then go on or end. */
static void
visit_send(struct chek_query_host *host, struct chek_visit *visit)
{
    if (visit->chunk_size != 0 || is_last(visit)) {
        struct chek_writer out = chek_request_answer_begin(visit->request, visit->chunk_size + 1);
        if (out.full) {
            visit->ready = true;
            return;
        }
        bool last = is_last(visit);
        if (visit->chunk_size != 0) {
            chek_writer_bytes(&out, visit->chunk, visit->chunk_size);
        } else {
            chek_writer_u8(&out, 0); /* an empty record of eight fields: nothing more */
        }
        struct chek_request *request = visit->request;
        uint64_t begin_ns = visit->begin_ns;
        bool is_report = visit->opcode == CHEK_OPCODE_ASK_REPORT;
        if (last) {
            visit_give(host, visit);
        }
        chek_request_answer_end(request, &out, last);
        if (last) {
            if (is_report) {
                chek_waits_add(&host->report_waits, chek_io_now_ns(host->config.io) - begin_ns);
            }
            return;
        }
    }
    if (visit->done) {
        visit->done = false;
        visit->partition += 1;
        memset(visit->state, 0, sizeof visit->state);
    }
    visit_post(host, visit);
}

void
chek_query_visited(struct chek_query_host *host, struct chek_visit *visit)
{
    visit->under_way = false;
    if (visit->request == NULL) {
        visit_give(host, visit);
    } else if (visit->error != CHEK_OK) {
        visit_refuse(host, visit);
    } else {
        visit_send(host, visit);
    }
}

void
chek_query_handle(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct chek_query_host *host = context;
    const struct query__kind *kind = NULL;
    for (size_t i = 0; i < CHEK_COUNT(kinds); i++) {
        if (kinds[i]->opcode == chek_request_opcode(request)) {
            kind = kinds[i];
        }
    }
    CHEK_ASSERT(kind != NULL); /* the table of handlers sends only these here */
    struct chek_visit *visit = visit_take(host, request, kind, body);
    if (visit == NULL) {
        chek_request_refuse(request, CHEK_E_BUSY, NULL, "too many questions in work; ask again");
        return;
    }
    visit->error = kind->begin(host, visit);
    if (visit->error != CHEK_OK) {
        visit_refuse(host, visit);
    } else if (visit->ready) {
        visit_send(host, visit); /* answered here, without a visit */
    } else {
        visit_post(host, visit);
    }
}

static struct chek_visit *
visit_of(struct chek_request *request)
{
    struct chek_visit *visit;
    memcpy(&visit, chek_request_state(request), sizeof visit);
    return visit;
}

void
chek_query_on_abandon(void *context, struct chek_request *request)
{
    struct chek_query_host *host = context;
    struct chek_visit *visit = visit_of(request);
    visit->request = NULL;
    if (!visit->under_way) {
        visit_give(host, visit);
    }
}

void
chek_query_on_room(void *context, struct chek_request *request)
{
    struct chek_query_host *host = context;
    struct chek_visit *visit = visit_of(request);
    if (visit->ready && !visit->under_way) {
        visit->ready = false;
        visit_send(host, visit);
    }
}

/* ---- shared by kinds -------------------------------------------------------------------------- */

/* Name the candidates, so that the asker can choose. */
static void
candidates_write(struct chek_query_host *host, struct chek_visit *visit, const uint32_t *found,
                 uint32_t count)
{
    size_t size =
        (size_t)snprintf(visit->text, sizeof visit->text, "fits %u registers; ask by id:", count);
    for (uint32_t i = 0; i < count && i < CANDIDATE_COUNT; i++) {
        struct chek_arena *arena = chek_request_arena(visit->request);
        size_t mark = chek_arena_mark(arena);
        struct chek_registered known;
        int error = chek_directory_registered(query__directory(host), found[i], arena, &known);
        if (error == CHEK_OK && size < sizeof visit->text) {
            struct chek_bytes_view name = known.profile->organisation;
            size += (size_t)snprintf(visit->text + size, sizeof visit->text - size,
                                     " %u (organisation %.*s)", found[i], (int)name.size,
                                     (const char *)name.bytes);
        }
        chek_arena_rewind(arena, mark);
    }
}

int
query__resolve(struct chek_query_host *host, struct chek_visit *visit,
               const struct chek_target *target, uint16_t field, uint32_t *ret)
{
    const struct chek_directory *directory = query__directory(host);
    visit->fault = (struct chek_fault){.field = field};
    if (target->registration != 0) {
        if (!chek_directory_sees(directory, visit->principal, target->registration)) {
            return CHEK_E_NOT_FOUND;
        }
        *ret = target->registration;
        return CHEK_OK;
    }
    uint32_t found[CANDIDATE_COUNT];
    uint32_t count = chek_directory_find(directory, visit->principal, (int)target->kind - 1,
                                         target->key, found, CANDIDATE_COUNT);
    if (count == 0) {
        return CHEK_E_NOT_FOUND;
    }
    if (count > 1) {
        candidates_write(host, visit, found, count);
        return CHEK_E_AMBIGUOUS;
    }
    *ret = found[0];
    return CHEK_OK;
}

int
query__visit_register(struct chek_query_host *host, struct chek_visit *visit,
                      const struct chek_target *target, uint16_t field, uint32_t *ret)
{
    uint32_t registration;
    struct chek_home home;
    int error = query__resolve(host, visit, target, field, &registration);
    if (error == CHEK_OK) {
        error = chek_directory_home(query__directory(host), registration, &home);
    }
    if (error != CHEK_OK) {
        return error;
    }
    visit->partition = visit->partition_last = home.partition;
    *ret = registration;
    return CHEK_OK;
}

int
query__visit_organisation(struct chek_query_host *host, struct chek_visit *visit,
                          struct chek_bytes_view organisation, uint16_t field)
{
    const struct chek_directory *directory = query__directory(host);
    struct chek_register any = {.organisation = organisation};
    visit->fault = (struct chek_fault){.field = field};
    if (!chek_directory_sees_register(directory, visit->principal, &any)) {
        return CHEK_E_PERMISSION;
    }
    visit->partition = visit->partition_last = chek_directory_partition_of(directory, organisation);
    return CHEK_OK;
}

bool
query__sees_document(const struct chek_visit *visit, const struct chek_visit_ground *ground,
                     uint32_t registration, uint32_t ordinal)
{
    const struct chek_fiscal *fiscal = chek_partition_fiscal(ground->partition);
    return chek_directory_sees(ground->directory, visit->principal, registration) &&
           ordinal >= chek_fiscal_removed(fiscal, registration);
}

static bool
text_fits(struct chek_bytes_view wanted, struct chek_bytes_view value)
{
    return wanted.size == 0 || chek_bytes_view_equal(wanted, value);
}

bool
query__register_fits(const struct chek_visit_ground *ground, uint32_t registration,
                     struct chek_bytes_view organisation, struct chek_bytes_view point)
{
    struct chek_registered known;
    if (organisation.size == 0 && point.size == 0) {
        return true;
    }
    size_t mark = chek_arena_mark(ground->arena);
    int error = chek_directory_registered(ground->directory, registration, ground->arena, &known);
    CHEK_ASSERT(error == CHEK_OK);
    bool fits = text_fits(organisation, known.profile->organisation) &&
                text_fits(point, known.profile->point);
    chek_arena_rewind(ground->arena, mark);
    return fits;
}

struct chek_bytes_view
query__key_copy(const struct chek_visit_ground *ground, uint32_t registration)
{
    struct chek_registered known;
    uint8_t *copy = chek_arena_take(ground->arena, KEY_SIZE_MAX);
    size_t mark = chek_arena_mark(ground->arena);
    int error = chek_directory_registered(ground->directory, registration, ground->arena, &known);
    CHEK_ASSERT(copy != NULL && error == CHEK_OK);
    struct chek_bytes_view key = {0};
    if (known.profile->keys_count != 0) {
        key = known.profile->keys[0].value;
        CHEK_ASSERT(key.size <= KEY_SIZE_MAX);
        memcpy(copy, key.bytes, key.size);
    }
    chek_arena_rewind(ground->arena, mark);
    return chek_bytes_view_of(copy, key.size);
}

struct chek_writer
query__chunk_begin(struct chek_visit *visit)
{
    return chek_writer_over(visit->chunk, CHEK_VISIT_CHUNK_SIZE);
}

void
query__chunk_end(struct chek_visit *visit, const struct chek_writer *out)
{
    CHEK_ASSERT(!out->full);
    visit->chunk_size = out->size;
}
