/* SPDX-License-Identifier: MIT */
/*
 * server_journal.c - what was learned, and when two things cannot both be true.
 *
 * Of every register the journal knows bounds of the prefix that the server holds: what was sent is
 * the upper one; what was acknowledged, or shown by any answer, the lower one. The lower one never
 * goes back: neither may the server.
 */
#include <inttypes.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "tests/sim/server_run.h"

int
run_register_of(const struct run *run, uint32_t registration)
{
    for (int i = 0; i < STORY_REGISTER_COUNT; i++) {
        if (run->journal.registers[i].registration == registration) {
            return i;
        }
    }
    return -1;
}

void
run_learn_registration(struct run *run, unsigned at, uint32_t registration)
{
    struct run_register *known = &run->journal.registers[at];
    int other = run_register_of(run, registration);
    if (registration == 0) {
        run_violate(run, "register %u has registration 0", at);
    } else if (known->registration != 0 && known->registration != registration) {
        run_violate(run, "register %u was registration %u and is %u", at, known->registration,
                    registration);
    } else if (other >= 0 && other != (int)at) {
        run_violate(run, "registers %u and %d have one registration", at, other);
    } else {
        known->registration = registration;
        known->is_confirmed = true;
    }
}

void
run_learn_low(struct run *run, unsigned at, uint32_t low)
{
    struct run_register *known = &run->journal.registers[at];
    if (low > known->high) {
        run_violate(run, "register %u: document %u is there and was never sent", at, low - 1);
        return;
    }
    known->low = low > known->low ? low : known->low;
}

bool
run_all_acked(const struct run *run)
{
    for (unsigned at = 0; at < STORY_REGISTER_COUNT; at++) {
        for (uint32_t i = 0; i < run->story.registers[at].count; i++) {
            if (!run->journal.registers[at].acked[i]) {
                return false;
            }
        }
    }
    return true;
}

/* ---- results ---------------------------------------------------------------------------------- */

bool
run_is_copy(const struct run *run, unsigned at, uint32_t document, uint32_t ordinal)
{
    const struct story_register *story = &run->story.registers[at];
    int32_t entry = (int32_t)story->documents[document].entry;
    while (entry >= 0) {
        if (story_document_of(story, (uint32_t)entry) >= (int32_t)run->journal.registers[at].high) {
            return false;
        }
        if ((uint32_t)entry == ordinal) {
            return true;
        }
        entry = story->naive.entries[entry].copy;
    }
    return false;
}

static void
learn_stored_result(struct run *run, const struct run_item *item, const struct chek_result *result)
{
    const struct story_document *story = &run->story.registers[item->at].documents[item->document];
    const struct chek_naive_expected *want = &story->expected;
    uint8_t status = story->completes >= 0 ? CHEK_STATUS_COMPLETED : CHEK_STATUS_STORED;

    run->result.stored_count += 1;
    if (item->was_known) {
        run_violate(run, "register %u: document %u was stored twice", item->at, item->document);
    } else if (result->status != status || result->ordinal != want->ordinal ||
               result->shift != want->shift || result->warnings != want->warnings) {
        run_violate(run,
                    "register %u, document %u: status %u, ordinal %u, shift %u, warnings %x; "
                    "wanted %u, %u, %u, %x",
                    item->at, item->document, result->status, result->ordinal, result->shift,
                    result->warnings, status, want->ordinal, want->shift, want->warnings);
    }
}

static void
learn_document(struct run *run, const struct run_item *item, const struct chek_result *result)
{
    struct run_register *known = &run->journal.registers[item->at];
    const struct story_document *story = &run->story.registers[item->at].documents[item->document];

    if (result->status == CHEK_STATUS_CONFLICT || result->status == CHEK_STATUS_REFUSED) {
        run_violate(run, "register %u: document %u got status %u, code %u, field %s", item->at,
                    item->document, result->status, result->code,
                    chek_field_name((uint16_t)result->field));
        return;
    }
    run_learn_registration(run, item->at, result->registration);
    if (result->status == CHEK_STATUS_DUPLICATE) {
        run->result.duplicate_count += 1;
        if (item->sent_count == 0) {
            run_violate(run, "register %u: document %u is a duplicate and was sent once", item->at,
                        item->document);
        } else if (!run_is_copy(run, item->at, item->document, result->ordinal) ||
                   result->shift != story->expected.shift) {
            run_violate(run, "register %u: document %u is told to be ordinal %u, shift %u",
                        item->at, item->document, result->ordinal, result->shift);
        }
    } else {
        learn_stored_result(run, item, result);
    }
    known->acked[item->document] = true;
    run_learn_low(run, item->at, item->document + 1u);
}

static void
learn_other(struct run *run, const struct run_item *item, const struct chek_result *result)
{
    uint8_t status = item->kind == ITEM_CONFLICT ? CHEK_STATUS_CONFLICT : CHEK_STATUS_REFUSED;
    if (item->kind == ITEM_CONFLICT && run->retention_us != 0 &&
        result->status == CHEK_STATUS_DUPLICATE &&
        run_is_copy(run, item->at, item->document, result->ordinal)) {
        return; /* what it would be compared with was removed */
    }
    if (result->status != status) {
        run_violate(run, "an item of kind %u got status %u, code %u", item->kind, result->status,
                    result->code);
    } else if (item->kind == ITEM_CONFLICT) {
        run->journal.registers[item->at].conflict_count += 1;
        run->result.conflict_count += 1;
        if (!run_is_copy(run, item->at, item->document, result->ordinal)) {
            run_violate(run, "register %u: a conflict with document %u names ordinal %u", item->at,
                        item->document, result->ordinal);
        }
    } else if (item->kind == ITEM_NOT_KNOWN && result->code != (uint32_t)-CHEK_E_UNREGISTERED) {
        run_violate(run, "a register that nobody knows got code %u", result->code);
    }
}

void
run_learn_results(struct run_client *client, const struct run_request *request,
                  const struct chek_fed *fed)
{
    struct run *run = client->run;
    if (fed->results_count != request->item_count) {
        run_violate(run, "%u results for %u documents", fed->results_count, request->item_count);
        return;
    }
    for (uint32_t i = 0; i < fed->results_count; i++) {
        const struct run_item *item = &request->items[i];
        const struct chek_result *result = &fed->results[i];
        if (item->kind != ITEM_DOCUMENT) {
            learn_other(run, item, result);
            continue;
        }
        learn_document(run, item, result);
        if (request->offset + i > client->acknowledged &&
            (result->status == CHEK_STATUS_STORED || result->status == CHEK_STATUS_COMPLETED)) {
            client->acknowledged = request->offset + i;
        }
    }
}

/* ---- documents shown -------------------------------------------------------------------------- */

static size_t
encode(const struct chek_document *document, uint8_t *bytes, size_t capacity)
{
    struct chek_writer out = chek_writer_over(bytes, capacity);
    chek_document_encode(&out, document);
    CHEK_ASSERT(!out.full);
    return out.size;
}

/* Who is on a receipt: the same subject for the same value in the same organisation. */
static bool
is_subject(struct run *run, unsigned at, uint8_t kind, struct chek_bytes_view sent,
           const uint8_t subject[16])
{
    static const uint8_t nobody[16];
    unsigned who = sent.bytes[sent.size - 1] - (unsigned)'0';
    uint8_t *known = run->journal.subjects[kind][who][run->story.registers[at].organisation];
    if (memcmp(subject, nobody, 16) == 0) {
        return false;
    }
    if (memcmp(known, nobody, 16) == 0) {
        memcpy(known, subject, 16);
    }
    return memcmp(known, subject, 16) == 0;
}

/* Put what was sent in the place of the subjects that are shown, when they are who they should be. */
static bool
subjects_replace(struct run *run, unsigned at, const struct chek_receipt *sent,
                 struct chek_receipt *receipt, struct chek_person *persons)
{
    if (sent->buyer.size != 0) {
        if (!is_subject(run, at, CHEK_PERSON_KIND_CONTACT, sent->buyer, receipt->subject)) {
            return false;
        }
        memset(receipt->subject, 0, sizeof receipt->subject);
        receipt->buyer = sent->buyer;
    }
    if (receipt->persons_count != sent->persons_count) {
        return false;
    }
    for (uint32_t i = 0; i < sent->persons_count; i++) {
        const struct chek_person *shown = &receipt->persons[i];
        if (shown->kind != sent->persons[i].kind || shown->value.size != 0 ||
            !is_subject(run, at, shown->kind, sent->persons[i].value, shown->subject)) {
            return false;
        }
        persons[i] = sent->persons[i];
    }
    receipt->persons = persons;
    return true;
}

/* Whether what is shown is what was sent. */
static bool
is_same(struct run *run, unsigned at, const struct chek_document *sent,
        const struct chek_stored *stored)
{
    static uint8_t want[65536], got[65536];
    struct chek_document shown = {
        .receipt = stored->receipt, .movement = stored->movement, .close = stored->close};
    struct chek_receipt receipt;
    struct chek_person persons[CHEK_PERSON_COUNT_MAX];
    if (stored->receipt != NULL && sent->receipt != NULL) {
        receipt = *stored->receipt;
        if (!subjects_replace(run, at, sent->receipt, &receipt, persons)) {
            return false;
        }
        shown.receipt = &receipt;
    }
    size_t want_size = encode(sent, want, sizeof want);
    return encode(&shown, got, sizeof got) == want_size && memcmp(want, got, want_size) == 0;
}

static bool
is_own_close(const struct chek_stored *stored)
{
    return stored->close != NULL && stored->close->document == 0 && stored->close->shift == 0 &&
           stored->close->sign == 0;
}

void
run_learn_stored(struct run *run, unsigned at, const struct chek_stored *stored)
{
    const struct story_register *story = &run->story.registers[at];
    /* What made it one may have been answered on a connection that went: a question by key shows it. */
    run_learn_registration(run, at, stored->registration);
    if (stored->ordinal >= story->naive.count) {
        run_violate(run, "register %u: registration %u, ordinal %u is shown", at,
                    stored->registration, stored->ordinal);
        return;
    }
    const struct chek_naive_entry *entry = &story->naive.entries[stored->ordinal];
    int32_t index = story_document_of(story, stored->ordinal);
    if (index < 0) {
        if (!is_own_close(stored) || stored->shift != entry->shift) {
            run_violate(run, "register %u: ordinal %u is not the close of shift %u", at,
                        stored->ordinal, entry->shift);
        }
        return;
    }
    const struct story_document *document = &story->documents[index];
    uint32_t completes =
        document->completes >= 0 ? story->documents[document->completes].entry + 1 : 0;
    run_learn_low(run, at, (uint32_t)index + 1);
    if (!is_same(run, at, document->document, stored)) {
        run_violate(run, "register %u: ordinal %u shows another document", at, stored->ordinal);
    } else if (stored->shift != document->expected.shift ||
               stored->warnings != document->expected.warnings || stored->completes != completes) {
        run_violate(run, "register %u, ordinal %u: shift %u, warnings %x, completes %u", at,
                    stored->ordinal, stored->shift, stored->warnings, stored->completes);
    }
}

void
run_learn_list(struct run *run, const struct run_question *question)
{
    unsigned at = question->at;
    const struct story_register *story = &run->story.registers[at];
    struct run_register *known = &run->journal.registers[at];
    uint32_t count = 0;
    /* One answer is of one moment, however long it takes; pages are of moments of their own. */
    bool is_of_moment = question->exact || question->page == 0;
    while (count < story->count && story->documents[count].entry < question->end) {
        count += 1;
    }
    if (count < question->low || (question->exact && count < known->low)) {
        run_violate(run, "register %u: %u documents are listed and %u are there", at, count,
                    question->low);
        return;
    }
    for (uint32_t i = question->removed; i < question->end; i++) {
        bool listed = (question->listed[i / 64] >> i % 64 & 1) != 0;
        int32_t copy = story->naive.entries[i].copy;
        bool replaced = copy >= 0 && copy < (int32_t)question->end;
        bool maybe = copy >= 0 && story_document_of(story, (uint32_t)copy) < (int32_t)known->high;
        if (is_of_moment ? listed == replaced : !listed && !maybe) {
            run_violate(run, "register %u: ordinal %u is %slisted", at, i, listed ? "" : "not ");
            return;
        }
    }
    if (is_of_moment && story_prefix(&run->story, at, count)->count != question->end) {
        run_violate(run, "register %u: the list ends within a document", at);
    }
}

/* ---- events ----------------------------------------------------------------------------------- */

void
run_learn_event(struct run *run, const struct chek_event_entry *entry)
{
    uint8_t bytes[1024];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_event_encode(&out, entry->event);
    CHEK_ASSERT(!out.full);
    if (entry->partition > RUN_PARTITION_COUNT_MAX || entry->seq == 0 ||
        entry->seq > RUN_EVENT_COUNT) {
        run_violate(run, "event %u:%" PRIu64 " is shown", entry->partition, entry->seq);
        return;
    }
    struct run_stream *stream = &run->journal.streams[entry->partition];
    struct run_event *event = &stream->events[entry->seq - 1];
    uint64_t hash = chek_checksum(bytes, out.size);
    if (entry->seq > stream->count + 1) {
        run_violate(run, "event %u:%" PRIu64 " follows %u", entry->partition, entry->seq,
                    stream->count);
    } else if (entry->seq <= stream->count) {
        if (event->hash != hash) {
            run_violate(run, "event %u:%" PRIu64 " has changed", entry->partition, entry->seq);
        }
    } else {
        *event = (struct run_event){hash, entry->event->registration, entry->event->ordinal,
                                    entry->event->kind};
        stream->count += 1;
        run->result.event_count += 1;
    }
}

/* What the events of one register must be, given the documents that are there. */
static void
check_events(struct run *run, unsigned at, const struct run_event *const *events, uint32_t count)
{
    const struct run_register *known = &run->journal.registers[at];
    const struct story_register *story = &run->story.registers[at];
    uint32_t kinds[CHEK_EVENT_KIND_COUNT] = {0};
    uint32_t index = 0;
    uint32_t late = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct run_event *event = events[i];
        kinds[event->kind] += 1;
        if (event->kind != CHEK_EVENT_KIND_RECEIPT && event->kind != CHEK_EVENT_KIND_MOVEMENT &&
            event->kind != CHEK_EVENT_KIND_COMPLETED) {
            continue;
        }
        while (index < known->low && story->documents[index].document->close != NULL) {
            index += 1;
        }
        if (index == known->low || story->documents[index].entry != event->ordinal) {
            run_violate(run, "register %u: an event of ordinal %u at document %u of %u", at,
                        event->ordinal, index, known->low);
            return;
        }
        index += 1;
    }
    while (index < known->low && story->documents[index].document->close != NULL) {
        index += 1;
    }
    const struct chek_naive *naive = story_prefix(&run->story, at, known->low);
    for (uint32_t i = 0; i < naive->count; i++) {
        const struct chek_naive_entry *entry = &naive->entries[i];
        late += entry->late && !entry->closes && entry->completes < 0;
    }
    if (index != known->low || kinds[CHEK_EVENT_KIND_LATE] != late ||
        kinds[CHEK_EVENT_KIND_CONFLICT] < known->conflict_count ||
        kinds[CHEK_EVENT_KIND_REGISTERED] > 1 ||
        (known->low != 0 && kinds[CHEK_EVENT_KIND_REGISTERED] == 0)) {
        run_violate(run,
                    "register %u: events of %u documents of %u, %u late of %u, %u conflicts of "
                    "%u, %u times registered",
                    at, index, known->low, kinds[CHEK_EVENT_KIND_LATE], late,
                    kinds[CHEK_EVENT_KIND_CONFLICT], known->conflict_count,
                    kinds[CHEK_EVENT_KIND_REGISTERED]);
    }
}

void
run_learn_events_complete(struct run *run)
{
    static const struct run_event *events[RUN_EVENT_COUNT];
    for (unsigned at = 0; at < STORY_REGISTER_COUNT; at++) {
        uint32_t registration = run->journal.registers[at].registration;
        uint32_t count = 0;
        for (unsigned i = 1; i <= RUN_PARTITION_COUNT_MAX; i++) {
            const struct run_stream *stream = &run->journal.streams[i];
            for (uint32_t j = 0; registration != 0 && j < stream->count; j++) {
                if (stream->events[j].registration == registration) {
                    events[count++] = &stream->events[j];
                }
            }
        }
        check_events(run, at, events, count);
    }
}
