/* SPDX-License-Identifier: MIT */
/*
 * status_command.c - chek status and chek snapshot.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/text_table.h"

CHEK__ENCODER(nothing)

#define SHARD_COLUMN_MAX (TABLE_COLUMN_COUNT_MAX - 2)

/* ---- status ----------------------------------------------------------------------------------- */

static void
item_json(struct chek__run *run, const struct chek_status_item *item)
{
    chek__json_open(run);
    chek__json_text(run, "name", item->name);
    if (item->shard != 0) {
        chek__json_number(run, "shard", (int64_t)item->shard - 1);
    } else {
        chek__json_null(run, "shard");
    }
    if (item->text.size != 0) {
        chek__json_text(run, "text", item->text);
    } else {
        chek__json_number(run, "value", item->value);
    }
    chek__json_close(run);
    chek__json_end(run);
}

static void
item_cell(struct chek__table *table, const struct chek_status_item *item)
{
    char text[32];
    if (item == NULL || item->text.size != 0) {
        chek__cell(table, item != NULL ? item->text : chek_bytes_view_of("", 0));
        return;
    }
    (void)snprintf(text, sizeof text, "%" PRId64, item->value);
    chek__cell_text(table, text);
}

static const struct chek_status_item *
item_find(const struct chek_status_items *items, struct chek_bytes_view name, uint32_t shard)
{
    for (uint32_t i = 0; i < items->items_count; i++) {
        if (items->items[i].shard == shard && chek_bytes_view_equal(items->items[i].name, name)) {
            return &items->items[i];
        }
    }
    return NULL;
}

/* Whether a name was met before place `at`. */
static bool
is_repeated(const struct chek_status_items *items, uint32_t at)
{
    for (uint32_t i = 0; i < at; i++) {
        if (chek_bytes_view_equal(items->items[i].name, items->items[at].name)) {
            return true;
        }
    }
    return false;
}

/* A row a name: the server's value, then a column a shard. */
static void
items_show(struct chek__table *table, const struct chek_status_items *items, uint32_t shard_count)
{
    for (uint32_t i = 0; i < items->items_count; i++) {
        if (is_repeated(items, i)) {
            continue;
        }
        chek__cell(table, items->items[i].name);
        for (uint32_t shard = 0; shard <= shard_count; shard++) {
            item_cell(table, item_find(items, items->items[i].name, shard));
        }
    }
}

static int
on_items(void *context, struct chek_bytes_view body)
{
    static struct chek__table table;
    static char names[SHARD_COLUMN_MAX][16];
    static const char *titles[TABLE_COLUMN_COUNT_MAX] = {"<name", "server"};
    struct chek__run *run = context;
    struct chek_status_items answer;
    uint32_t shard_count = 0;

    int error = CHEK__DECODE(run, status_items, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.items_count; i++) {
        if (run->json) {
            item_json(run, &answer.items[i]);
        }
        if (answer.items[i].shard > shard_count) {
            shard_count = (uint32_t)answer.items[i].shard;
        }
    }
    if (error != CHEK_OK || run->json) {
        return error;
    }
    shard_count = shard_count < SHARD_COLUMN_MAX ? shard_count : SHARD_COLUMN_MAX;
    for (uint32_t i = 0; i < shard_count; i++) {
        (void)snprintf(names[i], sizeof names[i], "shard %u", i);
        titles[2 + i] = names[i];
    }
    error = chek__table_open(&table, titles, 2 + shard_count, false);
    if (error == CHEK_OK) {
        items_show(&table, &answer, shard_count);
        chek__table_close(&table);
    }
    return error;
}

/* A line that `chek verify --heads` reads: the partition, rows that the chain covers, its head. */
static void
head_print(const struct chek_chain_reach *chain)
{
    (void)printf("%u:%" PRIu64 ":", chain->partition, chain->rows);
    for (size_t i = 0; i < chain->head.size; i++) {
        (void)printf("%02x", chain->head.bytes[i]);
    }
    (void)putchar('\n');
}

static int
on_chains(void *context, struct chek_bytes_view body)
{
    struct chek__run *run = context;
    struct chek_chain_reaches answer;
    int error = CHEK__DECODE(run, chain_reaches, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.chains_count; i++) {
        if (run->json) {
            chek__json_record(run, NULL, CHEK_RECORD_CHAIN_REACH, &answer.chains[i]);
            chek__json_end(run);
        } else if (answer.chains[i].ranges != 0) {
            head_print(&answer.chains[i]);
        }
    }
    return error;
}

static int
status(struct chek__run *run, int count, char **words)
{
    struct chek_nothing nothing = {0};
    bool heads = false;
    const struct chek__option options[] = {{"heads", CHEK__OPTION_FLAG, &heads}};
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (heads) {
        return chek__ask(run, CHEK_OPCODE_ASK_CHAINS, nothing_encode, &nothing, on_chains, run);
    }
    return chek__ask(run, CHEK_OPCODE_ASK_STATUS, nothing_encode, &nothing, on_items, run);
}

const struct chek__command chek__command_status = {
    "status", "what the server says of itself",
    "  chek status\n"
    "  chek status --heads\n\n"
    "  With --json a line a value: name, shard (null: of the server), value or text.\n"
    "  longest_step_us is the longest that a shard was busy before others had their turn, since it\n"
    "  was started; longest_KIND_step_us the longest with work of a kind; steps_over_100_us how many\n"
    "  were too long. Rates (..._per_s) are over the last ten to twenty seconds; bytes a document\n"
    "  (..._bytes_a_document) of sealed ones in segments, and of all in memory.\n"
    "  --heads: a line PARTITION:ROWS:HEX a partition whose chain of rows has begun. Noted elsewhere,\n"
    "  and given to chek verify, it tells whether one of these rows was changed since. With --json\n"
    "  a line also where it has not: partition, ranges, rows, open (not covered yet), head.\n\n"
    "Examples\n"
    "  chek status\n"
    "  chek status --json\n"
    "  chek status --heads > heads.txt\n",
    status};

/* ---- snapshot --------------------------------------------------------------------------------- */

static int
snapshot(struct chek__run *run, int count, char **words)
{
    struct chek_nothing nothing = {0};
    int stop = chek__arguments_read(run, count, words, NULL, 0, NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    stop = chek__ask(run, CHEK_OPCODE_SNAPSHOT, nothing_encode, &nothing, NULL, NULL);
    if (stop == CHEK_OK && run->json) {
        chek__json_open(run);
        chek__json_text(run, "snapshot", chek_bytes_view_text("complete"));
        chek__json_close(run);
        chek__json_end(run);
    } else if (stop == CHEK_OK) {
        (void)printf("the snapshot is complete\n");
    }
    return stop;
}

const struct chek__command chek__command_snapshot = {
    "snapshot", "take a snapshot now, and wait for it",
    "  chek snapshot\n\nExamples\n  chek snapshot\n", snapshot};
