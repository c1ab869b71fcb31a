/* SPDX-License-Identifier: MIT */
/*
 * events_command.c - chek events: what happened, in order, from a place on.
 *
 * Every line of JSON has the cursor behind that very event: who keeps the last one he has worked off
 * goes on there, misses nothing and sees nothing again. The server says the place behind a frame;
 * that behind one event of it is the place before the frame with the event's number added
 * (PROTOCOL.md, ask_events). For people the place stands behind each frame.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/civil.h"
#include "engine/base/memory.h"
#include "engine/base/money.h"
#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/text_table.h"

CHEK__ENCODER(ask_events)
CHEK__ENCODER(ask_registers)

#define SIDE_ARENA_SIZE ((size_t)8 * 1024 * 1024)
#define CURSOR_SIZE_MAX 16384 /* ask_events.cursor */

/* The cursor behind what was shown. */
struct place {
    uint32_t size;
    uint32_t settled_size; /* of these bytes: without the number of `partition` in this frame */
    uint32_t partition;    /* + 1; 0 = none of this frame yet */
    char text[CURSOR_SIZE_MAX];
};

/* What a line says of its register. */
struct event_register {
    struct chek_bytes_view key; /* what it is called first; of the run */
    uint16_t currency;
    bool is_known;
};

struct event_list {
    struct chek__run *run;
    struct place place;
    /* Registers are asked for when they are first met, over a connection of their own: the other
     * one is in the middle of an answer. By registration. */
    struct chek__run side;
    struct event_register *registers;
    uint32_t register_count;
    uint32_t asked;
};

static const char *const kind_names[] = {"receipt",    "movement", "shift opened", "shift closed",
                                         "registered", "late",     "completed",    "conflict",
                                         "alarm",      "differs"};

_Static_assert(CHEK_COUNT(kind_names) == CHEK_EVENT_KIND_COUNT, "every kind has a name");

/* To the place behind a frame, or to the one that was asked for. */
static void
place_set(struct place *place, struct chek_bytes_view cursor)
{
    place->size = (uint32_t)(cursor.size < CURSOR_SIZE_MAX ? cursor.size : CURSOR_SIZE_MAX);
    memcpy(place->text, cursor.bytes, place->size);
    place->settled_size = place->size;
    place->partition = 0;
}

/* Behind one more event of the frame. What a cursor has no room for would come again. */
static void
place_advance(struct place *place, const struct chek_event_entry *entry)
{
    if (place->partition != entry->partition + 1u) {
        place->settled_size = place->size;
        place->partition = entry->partition + 1u;
    }
    char added[32];
    uint32_t size = (uint32_t)snprintf(added, sizeof added, ",%x:%llx", entry->partition,
                                       (unsigned long long)entry->seq);
    place->size = place->settled_size;
    if (place->size + size <= CURSOR_SIZE_MAX) {
        memcpy(place->text + place->size, added, size);
        place->size += size;
    }
}

/* ---- registers -------------------------------------------------------------------------------- */

static int
on_registers(void *context, struct chek_bytes_view body)
{
    struct event_list *list = context;
    struct chek_registers answer;
    int error = CHEK__DECODE(&list->side, registers, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.registers_count; i++) {
        const struct chek_registered *what = &answer.registers[i];
        if (what->registration == list->asked) {
            list->registers[list->asked].key =
                chek__keep(list->run, chek__register_name(what->profile));
            list->registers[list->asked].currency = chek__register_currency(what->profile);
        }
    }
    return error;
}

static bool
registers_grow(struct event_list *list, uint32_t registration)
{
    uint32_t count = list->register_count;
    if (registration < count) {
        return true;
    }
    uint32_t wanted = registration < UINT32_MAX / 2 ? 2 * registration + 64 : UINT32_MAX;
    size_t size = sizeof *list->registers;
    void *grown = count == 0 ? chek_memory_allocate(wanted * size)
                             : chek_memory_grow(list->registers, count * size, wanted * size);
    if (grown == NULL) {
        return false;
    }
    list->registers = grown;
    list->register_count = wanted;
    return true;
}

/*
 * The register of an event; of none, or of one that cannot be asked for, an empty one.
 *
 *   Errors     an exit code after the error was told
 */
static int
register_of(struct event_list *list, uint32_t registration, struct event_register *ret)
{
    *ret = (struct event_register){0};
    if (registration == 0) {
        return CHEK_OK;
    }
    if (!registers_grow(list, registration)) {
        return chek__error(list->run, -ENOMEM, NULL, NULL);
    }
    if (!list->registers[registration].is_known) {
        struct chek_ask_registers question = {.registration = registration};
        list->asked = registration;
        list->registers[registration].is_known = true;
        int stop = chek__ask(&list->side, CHEK_OPCODE_ASK_REGISTERS, ask_registers_encode,
                             &question, on_registers, list);
        if (stop != CHEK_OK) {
            return stop;
        }
    }
    *ret = list->registers[registration];
    return CHEK_OK;
}

/* ---- lines ------------------------------------------------------------------------------------ */

static void
event_json(struct chek__run *run, const struct chek_event_entry *entry,
           const struct event_register *whose, struct chek_bytes_view cursor)
{
    chek__json_open(run);
    chek__json_number(run, "partition", entry->partition);
    chek__json_number(run, "seq", (int64_t)entry->seq);
    chek__json_fields(run, CHEK_RECORD_EVENT, entry->event);
    if (whose->currency != 0) {
        chek__json_text(run, "key", whose->key);
        chek__json_currency(run, whose->currency);
    } else {
        chek__json_null(run, "key");
        chek__json_null(run, "currency");
    }
    chek__json_text(run, "cursor", cursor);
    chek__json_close(run);
    chek__json_end(run);
}

static void
event_print(const struct chek_event_entry *entry, const struct event_register *whose)
{
    const struct chek_event *event = entry->event;
    char time[24];
    char total[TABLE_MONEY_TEXT_MAX];
    char received[CHEK_CIVIL_TEXT_MAX] = "";
    (void)chek__time_text(event->time, time);
    if (event->received != 0) {
        (void)chek_civil_write_utc(event->received, received);
    }
    (void)chek__money_text(event->total, whose->currency, total);
    (void)printf("%u/%llu  %s  %-12s  register %u %.*s  shift %u  document %u  total %s %s  %s\n",
                 entry->partition, (unsigned long long)entry->seq, received,
                 kind_names[event->kind % CHEK_EVENT_KIND_COUNT], event->registration,
                 (int)whose->key.size, (const char *)whose->key.bytes, event->shift,
                 event->document, total,
                 whose->currency != 0 ? chek_currency_name(whose->currency) : "", time);
}

static int
on_events(void *context, struct chek_bytes_view body)
{
    struct event_list *list = context;
    struct chek_events answer;
    int error = CHEK__DECODE(list->run, events, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.events_count; i++) {
        struct event_register whose;
        if (register_of(list, answer.events[i].event->registration, &whose) != CHEK_OK) {
            return -ECANCELED; /* why was told */
        }
        if (list->run->json) {
            place_advance(&list->place, &answer.events[i]);
            bool is_last = i + 1 == answer.events_count;
            event_json(list->run, &answer.events[i], &whose,
                       is_last ? answer.cursor
                               : chek_bytes_view_of(list->place.text, list->place.size));
        } else {
            event_print(&answer.events[i], &whose);
        }
    }
    if (error == CHEK_OK) {
        place_set(&list->place, answer.cursor);
    }
    if (error == CHEK_OK && !list->run->json && answer.events_count != 0) {
        (void)printf("cursor %.*s\n", (int)answer.cursor.size, (const char *)answer.cursor.bytes);
    }
    (void)fflush(stdout); /* who follows sees each frame when it comes */
    return error;
}

static int
events(struct chek__run *run, int count, char **words)
{
    static struct event_list list;
    const char *from = "0";
    const char *consumer = "";
    uint64_t partition = UINT64_MAX;
    bool follow = false;
    const struct chek__option options[] = {
        {"from", CHEK__OPTION_TEXT, (void *)&from},
        {"partition", CHEK__OPTION_NUMBER, &partition},
        {"consumer", CHEK__OPTION_TEXT, (void *)&consumer},
        {"follow", CHEK__OPTION_FLAG, &follow},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    partition += 1; /* the number + 1; all: 0 */
    if (partition > UINT16_MAX) {
        return chek__usage(run, "--partition: there are fewer");
    }
    list.run = run;
    place_set(&list.place, chek_bytes_view_text(from[0] != 0 ? from : "0"));
    struct chek_ask_events question = {.cursor = chek_bytes_view_text(from),
                                       .partition = (uint32_t)partition,
                                       .follow = follow,
                                       .consumer = chek_bytes_view_text(consumer)};
    if (follow) {
        stop = chek__connect(run);
        if (stop != CHEK_OK) {
            return stop;
        }
        chek_client_timeout(run->client, CHEK_CLIENT_TIMEOUT_FOREVER);
    }
    list.side = *run;
    list.side.client = NULL;
    if (chek_arena_init(&list.side.arena, SIDE_ARENA_SIZE) != CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    stop = chek__ask(run, CHEK_OPCODE_ASK_EVENTS, ask_events_encode, &question, on_events, &list);
    chek_client_close(list.side.client);
    chek_arena_finish(&list.side.arena);
    chek_memory_free(list.registers, list.register_count * sizeof *list.registers);
    return stop;
}

const struct chek__command chek__command_events = {
    "events", "what happened, from a cursor on",
    "  chek events --from CURSOR [--partition P] [--consumer NAME] [--follow]\n\n"
    "  --from      `0` = from the start, or the `cursor` of a line (--json) seen before: goes on\n"
    "              behind it\n"
    "  --consumer  a name for the reader, told to the server\n"
    "  --follow    go on as things happen\n\n"
    "Examples\n"
    "  chek events --from 0 --json\n"
    "  chek events --from 0 --consumer loader --follow --json\n",
    events};
