/* SPDX-License-Identifier: MIT */
/*
 * server_feed.c - a client that feeds registers, as PROTOCOL.md chapter 6 wants it.
 *
 * Register r belongs to feeder r mod RUN_FEEDER_COUNT. Documents go out in the order of the story;
 * after a broken connection it begins again with the first that was not acknowledged. BUSY: wait
 * for what is in flight, then RESUME and the refused frames in their first order.
 */
#include "engine/base/assertion.h"
#include "tests/sim/server_run.h"

static bool
is_mine(const struct run_client *client, unsigned at)
{
    return at % RUN_FEEDER_COUNT == client->index;
}

void
run_feed_connected(struct run_client *client)
{
    struct run *run = client->run;
    for (unsigned at = 0; at < STORY_REGISTER_COUNT; at++) {
        client->next[at] = 0;
        while (client->next[at] < run->story.registers[at].count &&
               run->journal.registers[at].acked[client->next[at]]) {
            client->next[at] += 1;
        }
    }
    client->is_busy = false;
    client->wait_steps = 0;
}

/* ---- frames ----------------------------------------------------------------------------------- */

static struct chek_bytes_view
document_encode(struct run *run, const struct run_item *item, uint64_t seed)
{
    const struct story_register *story = &run->story.registers[item->at];
    const struct run_register *known = &run->journal.registers[item->at];
    struct chek_document document;
    uint8_t *bytes = chek_arena_take(&run->arena, 65536);
    struct chek_writer out = chek_writer_over(bytes, 65536);

    CHEK_ASSERT(bytes != NULL);
    if (item->kind == ITEM_UNREADABLE) {
        chek_writer_u32(&out, (uint32_t)seed | 0x80808080u);
        return chek_bytes_view_of(out.bytes, out.size);
    }
    document = item->kind == ITEM_CONFLICT
                   ? *story_conflict(&story->documents[item->document], &run->arena)
               : item->kind == ITEM_MISSHAPEN ? *story_misshapen(&run->arena, seed)
                                              : *story->documents[item->document].document;
    if (item->kind == ITEM_NOT_KNOWN) {
        document.registration = 4000000u + (uint32_t)(seed % 1000000);
    } else if (known->registration != 0 && (seed & 3) != 0) {
        document.registration = known->registration;
    } else {
        document.profile = &story->profile;
    }
    chek_document_encode(&out, &document);
    CHEK_ASSERT(!out.full);
    bytes = out.bytes;
    /* Give back what was not needed: a frame has many of these. */
    chek_arena_rewind(&run->arena, (size_t)(bytes + out.size - run->arena.bytes));
    return chek_bytes_view_of(bytes, out.size);
}

static void
frame_send(struct run_client *client, struct run_request *request)
{
    struct run *run = client->run;
    struct chek_bytes_view documents[RUN_ITEM_COUNT];
    chek_arena_reset(&run->arena);
    for (uint32_t i = 0; i < request->item_count; i++) {
        struct run_item *item = &request->items[i];
        struct run_register *known = &run->journal.registers[item->at];
        documents[i] = document_encode(run, item, chek_prng_next(&run->prng));
        if (item->kind == ITEM_DOCUMENT) {
            item->was_known = item->document < known->low;
            item->sent_count = known->sent_count[item->document]++;
            known->high = item->document >= known->high ? item->document + 1u : known->high;
        }
    }
    request->offset = client->offset_next;
    client->offset_next += request->item_count;
    struct chek_feed feed = {
        .offset = request->offset, .documents = documents, .documents_count = request->item_count};
    struct chek_writer out = run_body_begin(run);
    chek_feed_encode(&out, &feed);
    run_request_send(client, request, &out);
}

/* Something that must leave no trace, or no second one. */
static bool
odd_item(struct run_client *client, unsigned at, struct run_item *ret)
{
    struct run *run = client->run;
    const struct run_register *known = &run->journal.registers[at];
    *ret = (struct run_item){.at = (uint16_t)at};
    switch (run_below(run, 5)) {
    case 0:
        ret->kind = ITEM_MISSHAPEN;
        return known->registration != 0;
    case 1:
        ret->kind = ITEM_NOT_KNOWN;
        return true;
    case 2:
        ret->kind = ITEM_UNREADABLE;
        return true;
    case 3:
        ret->kind = ITEM_CONFLICT;
        break;
    default:
        ret->kind = ITEM_DOCUMENT; /* a repeat */
    }
    if (known->low == 0) {
        return false;
    }
    ret->document = (uint16_t)run_below(run, known->low);
    return true;
}

static void
frame_fill(struct run_client *client, struct run_request *request)
{
    struct run *run = client->run;
    unsigned count = 1 + (unsigned)run_below(run, client->item_count_max);
    for (unsigned i = 0; i < count; i++) {
        unsigned at = (unsigned)run_below(run, STORY_REGISTER_COUNT);
        struct run_item *item = &request->items[request->item_count];
        if (!is_mine(client, at)) {
            continue;
        }
        if (run_chance(run, 12)) {
            request->item_count += odd_item(client, at, item);
        } else if (client->next[at] < run->story.registers[at].count) {
            *item = (struct run_item){.kind = ITEM_DOCUMENT,
                                      .at = (uint16_t)at,
                                      .document = (uint16_t)client->next[at]++};
            request->item_count += 1;
        }
    }
}

/* ---- claims ----------------------------------------------------------------------------------- */

static void
claim_send(struct run_client *client)
{
    struct run *run = client->run;
    struct run_request *request = run_request_take(client, CHEK_OPCODE_CLAIM);
    struct chek_register registers[STORY_REGISTER_COUNT];
    struct chek_claim claim = {.registers = registers};
    if (request == NULL) {
        return;
    }
    for (unsigned at = 0; at < STORY_REGISTER_COUNT; at++) {
        if (run_chance(run, 40)) { /* also those of others: all of them end at the same */
            request->items[request->item_count++].at = (uint16_t)at;
            registers[claim.registers_count++] = run->story.registers[at].profile;
        }
    }
    if (claim.registers_count != 0) {
        struct chek_writer out = run_body_begin(run);
        chek_claim_encode(&out, &claim);
        run_request_send(client, request, &out);
    }
}

/* ---- acting ----------------------------------------------------------------------------------- */

/* Everything in flight was answered, and some of it with BUSY: go on where it began. */
static void
resume(struct run_client *client)
{
    struct run *run = client->run;
    struct chek_nothing nothing = {0};
    struct chek_writer out = run_body_begin(run);
    struct run_request resumed = {.opcode = CHEK_OPCODE_RESUME};
    chek_nothing_encode(&out, &nothing);
    run_request_send(client, &resumed, &out);
    client->is_busy = false;
    for (;;) {
        struct run_request *first = NULL;
        for (unsigned i = 0; i < RUN_REQUEST_COUNT; i++) {
            struct run_request *request = &client->requests[i];
            if (request->id != 0 && request->is_busy &&
                (first == NULL || request->id < first->id)) {
                first = request;
            }
        }
        if (first == NULL) {
            return;
        }
        if (first->opcode == CHEK_OPCODE_FEED) {
            frame_send(client, first);
        } else {
            first->id = 0; /* a claim can wait for another time */
        }
    }
}

static bool
all_are_busy(const struct run_client *client)
{
    for (unsigned i = 0; i < RUN_REQUEST_COUNT; i++) {
        if (client->requests[i].id != 0 && !client->requests[i].is_busy) {
            return false;
        }
    }
    return true;
}

void
run_feed_act(struct run_client *client)
{
    struct run *run = client->run;
    if (client->is_busy) {
        if (all_are_busy(client) && client->wait_steps-- == 0) {
            resume(client);
        }
        return;
    }
    if (run->is_verifying || run_request_count(client) >= client->window || !run_chance(run, 12)) {
        return;
    }
    if (run_chance(run, 3)) {
        claim_send(client);
        return;
    }
    struct run_request *request = run_request_take(client, CHEK_OPCODE_FEED);
    if (request != NULL) {
        frame_fill(client, request);
    }
    if (request != NULL && request->item_count != 0) {
        frame_send(client, request);
    }
}

void
run_feed_refused(struct run_client *client, struct run_request *request, int error)
{
    if (error != CHEK_E_BUSY) {
        run_violate(client->run, "a frame of documents is refused with %s", chek_error_name(error));
        return;
    }
    client->run->result.busy_count += 1;
    for (uint32_t i = 0; request->opcode == CHEK_OPCODE_FEED && i < request->item_count; i++) {
        const struct run_item *item = &request->items[i];
        if (item->kind == ITEM_DOCUMENT) { /* as if it had not been sent */
            client->run->journal.registers[item->at].sent_count[item->document] -= 1;
        }
    }
    request->is_busy = true;
    client->is_busy = true;
    client->wait_steps = run_below(client->run, 30);
}
