/* SPDX-License-Identifier: MIT */
/*
 * shard.c - a shard's parts, its messages and its turn.
 */
#include "tools/server/shard.h"

#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/planted.h"
#include "tools/server/event_flow.h"
#include "tools/server/ffd.h"
#include "tools/server/kkm.h"
#include "tools/server/metrics.h"
#include "tools/server/retain.h"

#define REGISTRATIONS_SIZE (SERVER_REGISTRATION_COUNT_MAX * sizeof(struct server__registration))
#define ARENA_SIZE (32 * 1024 * 1024) /* reserved; touched as it is used */
#define GATHER_ANSWER_SIZE (64 * 1024 * (size_t)CHEK_SHARD_COUNT_MAX)
#define CHANGE_SIZE \
    (CHEK_FRAME_RECEIPT_COUNT_MAX * sizeof(struct chek_claimed) + CHEK_FRAME_BODY_SIZE_MAX)
#define OUTBOX_COUNT 8192
#define FEED_FRAME_COUNT 512
#define FEED_PART_COUNT 512
#define VISIT_COUNT 64
#define OUTBOX_WAIT_NS 50000
#define INTAKE_WAIT_NS 50000000

/* ---- handlers --------------------------------------------------------------------------------- */

static void
handle_feed(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    server__step_is(context, STEP_FEED);
    chek_feed_handle(((struct server__shard *)context)->feeds, request, body);
}

static void
handle_claim(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    chek_feed_claim_handle(((struct server__shard *)context)->feeds, request, body);
}

static void
feed_abandon(void *context, struct chek_request *request)
{
    chek_feed_on_abandon(((struct server__shard *)context)->feeds, request);
}

static void
feed_room(void *context, struct chek_request *request)
{
    chek_feed_on_room(((struct server__shard *)context)->feeds, request);
}

static void
handle_query(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    server__step_is(context, STEP_QUESTION);
    chek_query_handle(((struct server__shard *)context)->queries, request, body);
}

static void
query_abandon(void *context, struct chek_request *request)
{
    chek_query_on_abandon(((struct server__shard *)context)->queries, request);
}

static void
query_room(void *context, struct chek_request *request)
{
    chek_query_on_room(((struct server__shard *)context)->queries, request);
}

/*
 * One line an opcode: the table below is made from protocol.def by these names, so that an opcode
 * without a handler does not compile.
 */
#define QUERY                                   \
    {                                           \
        handle_query, query_abandon, query_room \
    }
#define HANDLER_hello                         \
    {                                         \
        NULL, server__gather_on_abandon, NULL \
    }
#define HANDLER_ping     \
    {                    \
        NULL, NULL, NULL \
    }
#define HANDLER_resume   \
    {                    \
        NULL, NULL, NULL \
    }
#define HANDLER_cancel   \
    {                    \
        NULL, NULL, NULL \
    }
#define HANDLER_allow    \
    {                    \
        NULL, NULL, NULL \
    }
#define HANDLER_feed                         \
    {                                        \
        handle_feed, feed_abandon, feed_room \
    }
#define HANDLER_claim                         \
    {                                         \
        handle_claim, feed_abandon, feed_room \
    }
#define HANDLER_ask_report QUERY
#define HANDLER_ask_shifts QUERY
#define HANDLER_ask_receipts QUERY
#define HANDLER_ask_receipt QUERY
#define HANDLER_ask_sums QUERY
#define HANDLER_ask_registers QUERY
#define HANDLER_ask_gaps QUERY
#define HANDLER_ask_reconcile QUERY
#define HANDLER_ask_warnings QUERY
#define HANDLER_ask_marked QUERY
#define HANDLER_ask_sold_again QUERY
#define HANDLER_ask_events                                                    \
    {                                                                         \
        server__ask_events, server__events_on_abandon, server__events_on_room \
    }
#define HANDLER_token_add                                  \
    {                                                      \
        server__token_add, server__change_on_abandon, NULL \
    }
#define HANDLER_token_revoke                                  \
    {                                                         \
        server__token_revoke, server__change_on_abandon, NULL \
    }
#define HANDLER_tokens                               \
    {                                                \
        server__tokens, NULL, server__tokens_on_room \
    }
#define HANDLER_ask_status                                  \
    {                                                       \
        server__ask_status, server__gather_on_abandon, NULL \
    }
#define HANDLER_ask_chains                                  \
    {                                                       \
        server__ask_chains, server__gather_on_abandon, NULL \
    }
#define HANDLER_snapshot                                      \
    {                                                         \
        server__snapshot_ask, server__gather_on_abandon, NULL \
    }

#define HANDLER_backup                                                        \
    {                                                                         \
        server__backup_ask, server__backup_on_abandon, server__backup_on_room \
    }

#define HANDLER_kkm_add                                   \
    {                                                     \
        server__kkm_add, server__kkm_add_on_abandon, NULL \
    }
#define HANDLER_kkm_change                               \
    {                                                    \
        server__kkm_change, server__job_on_abandon, NULL \
    }
#define HANDLER_ask_kkm                               \
    {                                                 \
        server__ask_kkm, server__job_on_abandon, NULL \
    }
#define HANDLER_operator_set                               \
    {                                                      \
        server__operator_set, server__job_on_abandon, NULL \
    }
#define HANDLER_ask_operators                               \
    {                                                       \
        server__ask_operators, server__job_on_abandon, NULL \
    }

#define HANDLER_nomenclature_load                               \
    {                                                           \
        server__nomenclature_load, server__job_on_abandon, NULL \
    }
#define HANDLER_ask_nomenclature                               \
    {                                                          \
        server__ask_nomenclature, server__job_on_abandon, NULL \
    }
#define HANDLER_ask_nomenclatures                               \
    {                                                           \
        server__ask_nomenclatures, server__job_on_abandon, NULL \
    }

#define HANDLER_person_erase                               \
    {                                                      \
        server__person_erase, server__job_on_abandon, NULL \
    }
#define HANDLER_ask_erasures QUERY
#define HANDLER_ask_person QUERY
#define HANDLER_ask_person_receipts QUERY

#define HANDLER_ROW(number, NAME, name, right, scope, size, request, answer, stream) HANDLER_##name,
static const struct chek_handler handlers[CHEK_OPCODE_COUNT] = {CHEK_OPCODES(HANDLER_ROW)};

/* ---- messages --------------------------------------------------------------------------------- */

void
server__post(struct server__shard *shard, unsigned to, uint16_t kind, struct chek_message *message)
{
    struct server__outbox *outbox = &shard->outboxes[to];
    message->kind = kind;
    if (to != shard->index && CHEK_PLANTED_ONCE(MESSAGE_LOST)) {
        return;
    }
    if (outbox->count == 0 && chek_io_post(shard->io, to, message) == CHEK_OK) {
        return;
    }
    /* Every message is an object of some pool, and the pools together are smaller than this. */
    CHEK_ASSERT(outbox->count < outbox->capacity);
    outbox->messages[(outbox->first + outbox->count) % outbox->capacity] = message;
    outbox->count += 1;
}

/* True when something is still waiting: the turn must come again. */
static bool
outboxes_flush(struct server__shard *shard)
{
    bool waiting = false;
    for (unsigned i = 0; i < server__shard_count(shard->server); i++) {
        struct server__outbox *outbox = &shard->outboxes[i];
        while (outbox->count > 0 &&
               chek_io_post(shard->io, i, outbox->messages[outbox->first]) == CHEK_OK) {
            outbox->first = (outbox->first + 1) % outbox->capacity;
            outbox->count -= 1;
        }
        waiting = waiting || outbox->count > 0;
    }
    return waiting;
}

static void
on_message(void *context, struct chek_message *message)
{
    struct server__shard *shard = context;
    server__step_is(shard, STEP_MESSAGE);
    switch (message->kind) {
    case SERVER_PART:
        server__intake(shard, message->payload);
        return;
    case SERVER_PART_DONE:
        server__step_is(shard, STEP_ANSWER);
        server__part_back(shard, message->payload);
        return;
    case SERVER_DIRECTORY_ASK:
    case SERVER_DIRECTORY_TELL:
    case SERVER_DIRECTORY_TOLD:
    case SERVER_DIRECTORY_DONE:
        server__step_is(shard, STEP_DIRECTORY);
        server__change_message(shard, message);
        return;
    case SERVER_VISIT:
        server__step_is(shard, STEP_VISIT);
        server__visit(shard, message->payload);
        return;
    case SERVER_VISITED:
        server__step_is(shard, STEP_QUESTION);
        chek_query_visited(shard->queries, message->payload);
        return;
    case SERVER_GATHER:
    case SERVER_GATHERED:
        server__gather_message(shard, message);
        return;
    case SERVER_JOB:
    case SERVER_JOB_DONE:
        server__step_is(shard, STEP_REGISTER);
        server__job_message(shard, message);
        return;
    case SERVER_WATCH:
    case SERVER_WATCHED:
        server__watch_message(shard, message);
        return;
    default:
        server__life_message(shard, message);
    }
}

/* ---- the turn --------------------------------------------------------------------------------- */

static void
on_flush_timer(struct chek_op *op, int64_t result)
{
    (void)op;
    (void)result; /* it woke the loop; the turn does the rest */
}

static void
on_turn(void *context)
{
    struct server__shard *shard = context;
    uint64_t now_ns = chek_io_now_ns(shard->io);

    if (!shard->started) {
        server__shard_start(shard);
    }
    if (server__is_latched(shard->server)) {
        return;
    }
    server__step_is(shard, STEP_INTAKE);
    server__intake_run(shard);
    if (shard->cpcr != NULL) {
        server__cpcr_turn(shard->cpcr, now_ns);
    }
    if (shard->ffd != NULL) {
        server__ffd_turn(shard->ffd, now_ns);
    }
    server__jobs_run(shard);
    if (shard->index == 0) {
        server__step_next(shard, STEP_DIRECTORY);
        server__change_run(shard);
    }
    server__step_next(shard, STEP_LOG);
    chek_log_turn(shard->log);
    server__step_next(shard, STEP_SESSION);
    server__events_turn(shard);
    chek_session_turn(shard->sessions, now_ns);
    server__pace_turn(shard, now_ns);
    /* Before it is asked whether all is quiet: what ends here may be the last, and no turn follows. */
    server__retain_turn(shard);
    server__step_next(shard, STEP_SNAPSHOT);
    server__life_turn(shard);
    server__step_next(shard, STEP_OTHER);
    server__memory_turn(shard);
    server__cold_turn(shard);
    server__scrub_turn(shard);
    /* Room in the log may come without an event: when the disk has space again. */
    uint64_t wait_ns = outboxes_flush(shard)                 ? OUTBOX_WAIT_NS
                       : !chek_list_is_empty(&shard->intake) ? INTAKE_WAIT_NS
                                                             : 0;
    if (wait_ns != 0 && !shard->flush_op.in_flight) {
        shard->flush_op.on_done = on_flush_timer;
        chek_io_timer(shard->io, &shard->flush_op, now_ns + wait_ns);
    }
}

/* ---- ports of the rooms ----------------------------------------------------------------------- */

const struct chek_directory *
server__directory(struct server__shard *shard)
{
    return shard->copy != NULL ? shard->copy
                               : chek_partition_directory(shard->grounds[0]->partition);
}

static const struct chek_directory *
port_directory(void *context)
{
    return server__directory(context);
}

static unsigned
port_shard_of(void *context, uint16_t partition)
{
    return server__shard_of(((struct server__shard *)context)->server, partition);
}

static void
port_visit(void *context, struct chek_visit *visit)
{
    struct server__shard *shard = context;
    visit->origin = (uint16_t)shard->index;
    visit->owner = (uint16_t)server__shard_of(shard->server, visit->partition);
    visit->message.payload = visit;
    server__post(shard, visit->owner, SERVER_VISIT, &visit->message);
}

/* ---- pools ------------------------------------------------------------------------------------ */

/* Bodies and answers of changes and gathers: one reservation, touched as it is used. */
static int
pools_init(struct server__shard *shard)
{
    size_t size = SERVER_CHANGE_COUNT * CHANGE_SIZE + SERVER_GATHER_COUNT * GATHER_ANSWER_SIZE;
    shard->changes = chek_memory_allocate(SERVER_CHANGE_COUNT * sizeof *shard->changes);
    shard->gathers = chek_memory_allocate(SERVER_GATHER_COUNT * sizeof *shard->gathers);
    shard->memory = chek_memory_reserve(size);
    shard->memory_size = size;
    if (shard->changes == NULL || shard->gathers == NULL || shard->memory == NULL) {
        return -ENOMEM;
    }
    int error = chek_memory_commit(shard->memory, size);
    if (error != CHEK_OK) {
        return error;
    }
    uint8_t *at = shard->memory;
    for (uint32_t i = 0; i < SERVER_CHANGE_COUNT; i++, at += CHANGE_SIZE) {
        shard->changes[i].body = at;
        shard->changes[i].claimed = (void *)(at + CHEK_FRAME_BODY_SIZE_MAX);
        chek_list_add(&shard->changes_free, &shard->changes[i].link);
    }
    for (uint32_t i = 0; i < SERVER_GATHER_COUNT; i++, at += GATHER_ANSWER_SIZE) {
        shard->gathers[i].answer = at;
        chek_list_add(&shard->gathers_free, &shard->gathers[i].link);
    }
    return CHEK_OK;
}

static int
tables_init(struct server__shard *shard)
{
    unsigned shard_count = server__shard_count(shard->server);
    unsigned ground_count = chek_server_partition_count(shard->server) + 1u;

    shard->grounds = chek_memory_allocate(ground_count * sizeof(struct server__ground *));
    shard->tickets = chek_memory_allocate(SERVER_TICKET_COUNT * sizeof *shard->tickets);
    shard->credits = chek_memory_allocate(shard_count * sizeof *shard->credits);
    shard->outboxes = chek_memory_allocate(shard_count * sizeof *shard->outboxes);
    shard->registrations = chek_memory_reserve(REGISTRATIONS_SIZE);
    if (shard->grounds == NULL || shard->tickets == NULL || shard->credits == NULL ||
        shard->outboxes == NULL || shard->registrations == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < shard_count; i++) {
        shard->outboxes[i].capacity = OUTBOX_COUNT;
        shard->outboxes[i].messages =
            chek_memory_allocate(OUTBOX_COUNT * sizeof(struct chek_message *));
        if (shard->outboxes[i].messages == NULL) {
            return -ENOMEM;
        }
    }
    return chek_memory_commit(shard->registrations, REGISTRATIONS_SIZE);
}

static int
hosts_init(struct server__shard *shard)
{
    const struct chek_server_config *config = server__config(shard->server);
    struct chek_session_config session = {
        .connection_count_max = config->connection_count_max,
        .unauthenticated_count_max = config->connection_count_max / 4 + 1,
        .request_count_max = 64,
        .output_size = 1024 * 1024,
        .credits = 4 * 1024 * 1024,
        .handshake_ns_max = UINT64_C(5) * 1000000000,
        .frame_ns_max = UINT64_C(30) * 1000000000,
        .drain_ns_max = SERVER_DRAIN_NS_MAX,
        .server = "chek " CHEK_SERVER_VERSION,
    };
    struct chek_handler_table table = {.context = shard, .on_hello = server__on_hello};
    struct chek_feed_port feed = {shard,
                                  port_directory,
                                  port_shard_of,
                                  server__has_credit,
                                  server__submit,
                                  server__claim,
                                  server__subject_key(shard->server)};
    struct chek_feed_config feed_config = {shard->io, FEED_FRAME_COUNT, FEED_PART_COUNT};
    struct chek_query_port query = {shard, port_directory, port_shard_of, port_visit,
                                    server__subject_of};
    struct chek_query_config query_config = {shard->io, shard->index, VISIT_COUNT};

    memcpy(table.handlers, handlers, sizeof table.handlers);
    int error = chek_session_host_create(shard->io, &session, &table, &shard->sessions);
    if (error == CHEK_OK) {
        error = chek_feed_host_create(&feed_config, &feed, &shard->feeds);
    }
    if (error == CHEK_OK) {
        error = chek_query_host_create(&query_config, &query, &shard->queries);
    }
    return error;
}

int
server__shard_init(struct server__shard *shard, struct chek_server *server, struct chek_io *io,
                   unsigned index)
{
    uint64_t seed;
    shard->server = server;
    shard->io = io;
    shard->index = index;
    chek_list_init(&shard->intake);
    chek_list_init(&shard->changes_free);
    chek_list_init(&shard->changes_wait);
    chek_list_init(&shard->gathers_free);
    chek_list_init(&shard->snapshot_waiting);
    chek_io_random(io, &seed, sizeof seed);
    chek_prng_init(&shard->prng, seed);
    int error = tables_init(shard);
    if (error == CHEK_OK) {
        error = pools_init(shard);
    }
    if (error == CHEK_OK) {
        error = chek_arena_init(&shard->arena, ARENA_SIZE);
    }
    if (error == CHEK_OK) {
        error = chek_arena_init(&shard->decode, ARENA_SIZE);
    }
    if (error == CHEK_OK) {
        error = chek_arena_init(&shard->ahead, ARENA_SIZE);
    }
    if (error == CHEK_OK) {
        error = server__walk_init(shard);
    }
    if (error == CHEK_OK) {
        error = server__cold_init(shard);
    }
    if (error == CHEK_OK) {
        error = server__visits_init(shard);
    }
    if (error == CHEK_OK) {
        error = server__retain_init(shard);
    }
    if (error == CHEK_OK) {
        error = server__watches_init(shard);
    }
    if (error == CHEK_OK) {
        error = server__jobs_init(shard);
    }
    if (error == CHEK_OK) {
        error = hosts_init(shard);
    }
    if (error == CHEK_OK) {
        struct chek_io_owner owner = {.context = shard,
                                      .on_message = on_message,
                                      .on_turn = on_turn,
                                      .on_wake = server__steps_wake,
                                      .on_step = server__steps_end};
        chek_io_set_owner(io, &owner);
    }
    return error;
}

void
server__shard_finish(struct server__shard *shard)
{
    unsigned shard_count = server__shard_count(shard->server);
    unsigned ground_count = chek_server_partition_count(shard->server) + 1u;

    if (shard->log != NULL) {
        chek_log_close(shard->log);
    }
    server__walk_finish(shard);
    server__backup_finish(shard);
    server__cold_finish(shard);
    server__scrub_finish(shard);
    server__visits_finish(shard);
    server__retain_finish(shard);
    server__seals_finish(shard);
    chek_feed_host_destroy(shard->feeds);
    chek_query_host_destroy(shard->queries);
    if (shard->sessions != NULL) {
        chek_session_host_destroy(shard->sessions);
    }
    chek_directory_destroy(shard->copy);
    server__metrics_free(shard->metrics);
    server__cpcr_free(shard->cpcr);
    server__ffd_free(shard->ffd);
    server__jobs_finish(shard);
    server__watches_finish(shard);
    for (unsigned i = 0; shard->outboxes != NULL && i < shard_count; i++) {
        chek_memory_free(shard->outboxes[i].messages, OUTBOX_COUNT * sizeof(struct chek_message *));
    }
    chek_memory_free(shard->outboxes, shard_count * sizeof *shard->outboxes);
    chek_memory_free(shard->credits, shard_count * sizeof *shard->credits);
    chek_memory_free(shard->tickets, SERVER_TICKET_COUNT * sizeof *shard->tickets);
    chek_memory_free(shard->grounds, ground_count * sizeof(struct server__ground *));
    chek_memory_free(shard->changes, SERVER_CHANGE_COUNT * sizeof *shard->changes);
    chek_memory_free(shard->gathers, SERVER_GATHER_COUNT * sizeof *shard->gathers);
    if (shard->registrations != NULL) {
        chek_memory_release(shard->registrations, REGISTRATIONS_SIZE);
    }
    if (shard->memory != NULL) {
        chek_memory_release(shard->memory, shard->memory_size);
    }
    chek_arena_finish(&shard->arena);
    chek_arena_finish(&shard->decode);
    chek_arena_finish(&shard->ahead);
}
