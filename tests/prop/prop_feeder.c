/* SPDX-License-Identifier: MIT */
/*
 * prop_feeder.c - a feeder against a server that is busy, goes away, forgets to judge, and answers in
 * any order.
 *
 * The server keeps what it was given, as the real one does. Whatever happens: every document is
 * applied exactly once, documents of a register in their order, offsets are right, credits are kept
 * to, and the results come once each, in the order in which documents were added.
 */
#include "query/client/feeder.h"

#include "engine/base/memory.h"
#include "tests/prop/prop.h"
#include "tests/unit/fake_server.h"

#define DOCUMENT_COUNT_MAX 3000
#define REGISTER_COUNT 7
#define HELD_COUNT_MAX 6
#define OFFSET 1000
#define REFUSED_EVERY 17 /* documents that the server does not like */

struct held {
    uint64_t frame_id;
    size_t size;
    uint8_t body[40000];
    size_t body_size;
};

struct model {
    const struct prop *prop;
    struct chek_prng prng;
    bool applied[DOCUMENT_COUNT_MAX];
    unsigned applied_count;
    bool is_busy, is_wild;
    struct held held[HELD_COUNT_MAX];
    unsigned held_count;
    size_t in_flight;
};

static uint32_t
below(struct chek_prng *prng, uint32_t bound)
{
    return (uint32_t)chek_prng_below(prng, bound);
}

/* One in `n`, while it is wild. */
static bool
happens(struct model *model, uint32_t n)
{
    return model->is_wild && below(&model->prng, n) == 0;
}

/* Apply a document, or find it applied; what came before it in its register must be there. */
static struct chek_result
apply(struct model *model, uint64_t number)
{
    PROP_CHECK(model->prop, number < DOCUMENT_COUNT_MAX);
    struct chek_result result = {.ordinal = (uint32_t)number, .registration = 1};
    if (number % REFUSED_EVERY == 0) {
        result.status = CHEK_STATUS_REFUSED;
        result.code = -CHEK_E_RANGE;
    } else if (model->applied[number]) {
        result.status = CHEK_STATUS_DUPLICATE;
        return result;
    }
    PROP_CHECK(model->prop, model->applied[number] || number < REGISTER_COUNT ||
                                model->applied[number - REGISTER_COUNT]);
    model->applied_count += !model->applied[number];
    model->applied[number] = true;
    return result;
}

static void
held_send(struct model *model, struct fake_server *server, unsigned index)
{
    struct held *held = &model->held[index];
    fake_server_answer(server, held->frame_id, CHEK_OPCODE_FEED,
                       CHEK_FRAME_ANSWER | CHEK_FRAME_LAST,
                       chek_bytes_view_of(held->body, held->body_size));
    model->in_flight -= held->size;
    *held = model->held[--model->held_count];
}

static void
feed_take(struct model *model, const struct chek_frame *frame)
{
    static _Alignas(16) uint8_t memory[1 << 20];
    struct chek_arena arena;
    struct chek_feed feed;
    struct chek_fault fault;
    struct chek_result results[CHEK_FRAME_RECEIPT_COUNT_MAX];

    chek_arena_init_over(&arena, memory, sizeof memory);
    int error = chek_feed_decode_whole(frame->body.bytes, frame->body.size, &arena, &feed, &fault);
    PROP_CHECK(model->prop, error == CHEK_OK);
    /* A server that stops judges only a part of the frame. */
    uint32_t judged =
        happens(model, 20) ? below(&model->prng, feed.documents_count) : feed.documents_count;
    for (uint32_t i = 0; i < feed.documents_count; i++) {
        uint64_t number = chek_load_u64(feed.documents[i].bytes);
        PROP_CHECK(model->prop, feed.offset + i == OFFSET + number);
        results[i] = i < judged ? apply(model, number)
                                : (struct chek_result){.status = CHEK_STATUS_REFUSED,
                                                       .code = -CHEK_E_STOPPING};
    }
    struct held *held = &model->held[model->held_count++];
    struct chek_fed fed = {.results = results, .results_count = feed.documents_count};
    struct chek_writer out = chek_writer_over(held->body, sizeof held->body);
    chek_fed_encode(&out, &fed);
    PROP_CHECK(model->prop, !out.full);
    held->frame_id = frame->head.frame_id;
    held->size = CHEK_FRAME_HEAD_SIZE + frame->body.size;
    held->body_size = out.size;
    /* After a part that was not judged nothing may overtake: the real server stops. */
    model->is_busy = model->is_busy || judged < feed.documents_count;
}

/* The connection goes, and with it all answers that were held. */
static bool
go_away(struct model *model)
{
    model->held_count = 0;
    model->in_flight = 0;
    model->is_busy = false;
    return false;
}

static bool
on_frame(void *context, struct fake_server *server, const struct chek_frame *frame)
{
    struct model *model = context;
    if (frame == NULL || model->held_count == HELD_COUNT_MAX) {
        while (model->held_count > 0) {
            held_send(model, server, below(&model->prng, model->held_count));
        }
    }
    if (frame == NULL) {
        return true;
    }
    if (frame->head.opcode == CHEK_OPCODE_RESUME) {
        PROP_CHECK(model->prop, model->in_flight == 0); /* all was answered before */
        model->is_busy = false;
        fake_server_answer(server, frame->head.frame_id, CHEK_OPCODE_RESUME,
                           CHEK_FRAME_ANSWER | CHEK_FRAME_LAST, chek_bytes_view_of("", 1));
        return true;
    }
    PROP_CHECK(model->prop, frame->head.opcode == CHEK_OPCODE_FEED);
    model->in_flight += CHEK_FRAME_HEAD_SIZE + frame->body.size;
    PROP_CHECK(model->prop, model->in_flight <= server->credits);
    if (happens(model, 60)) {
        return go_away(model);
    }
    model->is_busy = model->is_busy || happens(model, 30);
    if (model->is_busy) {
        model->in_flight -= CHEK_FRAME_HEAD_SIZE + frame->body.size;
        fake_server_refuse(server, frame->head.frame_id, CHEK_OPCODE_FEED, CHEK_E_BUSY);
        return true;
    }
    feed_take(model, frame);
    return happens(model, 60) ? go_away(model) : true;
}

struct told {
    const struct prop *prop;
    uint64_t count;
};

static void
on_result(void *context, uint64_t index, const struct chek_result *result)
{
    struct told *told = context;
    PROP_CHECK(told->prop, index == told->count);
    PROP_CHECK(told->prop, result->ordinal == index);
    PROP_CHECK(told->prop, (result->status == CHEK_STATUS_REFUSED) == (index % REFUSED_EVERY == 0));
    told->count += 1;
}

static void
round_run(const struct prop *prop, struct chek_prng *prng, struct model *model)
{
    struct told told = {.prop = prop};
    struct fake_server server = {.credits = 20000 + below(prng, 100000), .held = UINT64_MAX};
    struct chek_feeder *feeder;
    uint64_t document_count = 1 + below(prng, DOCUMENT_COUNT_MAX - 1);
    uint32_t size_max = 8 + below(prng, 600);

    *model = (struct model){.prop = prop, .is_wild = true};
    chek_prng_init(&model->prng, chek_prng_next(prng));
    fake_server_open(&server, on_frame, model);
    struct chek_feeder_options options = {
        .connection = {.address = server.address, .token = chek_bytes_view_text(FAKE_SERVER_TOKEN)},
        .frame_size = 300 + below(prng, 16000),
        .frame_count = 1 + below(prng, 20),
        .offset = OFFSET,
        .backoff_ms = 1,
        .on_result = on_result,
        .context = &told};
    PROP_CHECK(prop, chek_feeder_open(&options, &feeder, NULL) == CHEK_OK);
    for (uint64_t i = 0; i < document_count; i++) {
        uint8_t document[1024] = {0};
        chek_store_u64(document, i);
        size_t size = 8 + below(prng, size_max);
        PROP_CHECK(prop, chek_feeder_add(feeder, chek_bytes_view_of(document, size)) == CHEK_OK);
        if (below(prng, 500) == 0) {
            PROP_CHECK(prop, chek_feeder_flush(feeder) == CHEK_OK);
            PROP_CHECK(prop, told.count == i + 1);
        }
    }
    PROP_CHECK(prop, chek_feeder_flush(feeder) == CHEK_OK);
    struct chek_feeder_counters counters = chek_feeder_count(feeder);
    chek_feeder_close(feeder);
    fake_server_close(&server);

    PROP_CHECK(prop, told.count == document_count && counters.document_count == document_count);
    PROP_CHECK(prop, counters.stored_count + counters.duplicate_count + counters.refused_count ==
                         document_count);
    PROP_CHECK(prop, model->applied_count == document_count);
    PROP_CHECK(prop, counters.acknowledged < OFFSET + document_count);
}

int
main(int argument_count, char **arguments)
{
    struct prop prop = prop_begin(argument_count, arguments, 12);
    struct chek_prng prng;
    struct model *model = chek_memory_allocate(sizeof *model);
    PROP_CHECK(&prop, model != NULL);
    while (prop_next(&prop, &prng)) {
        uint64_t heap_size = chek_memory_count().heap_size;
        round_run(&prop, &prng, model);
        PROP_CHECK(&prop, chek_memory_count().heap_size == heap_size);
    }
    chek_memory_free(model, sizeof *model);
    return 0;
}
