/* SPDX-License-Identifier: MIT */
/*
 * person_erase_command.c - chek person erase, chek person erasures.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/civil.h"
#include "ingest/record_build.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/json_line.h"
#include "tools/chek/person_words.h"
#include "tools/chek/text_table.h"

#define LINE_SIZE_MAX 1024

CHEK__ENCODER(person_query)

/* ---- erase ------------------------------------------------------------------------------------ */

static int
on_erased(void *context, struct chek_bytes_view body)
{
    struct chek__run *run = context;
    struct chek_erasure answer;
    char subject[CHEK__SUBJECT_TEXT_SIZE];
    char time[CHEK_CIVIL_TEXT_MAX];
    int error = CHEK__DECODE(run, erasure, body, &answer);
    if (error != CHEK_OK) {
        return error;
    }
    if (run->json) {
        chek__json_record(run, NULL, CHEK_RECORD_ERASURE, &answer);
        chek__json_end(run);
        return CHEK_OK;
    }
    chek__subject_text(answer.subject, subject);
    (void)chek_civil_write_utc(answer.erased, time);
    (void)printf("%s is erased since %s\n", subject, time);
    return CHEK_OK;
}

/* A file of erasures that is run again: what it comes to. */
struct again {
    struct chek__run *run;
    struct chek_record_build build;
    uint64_t line, erased_count, unknown_count;
};

static int
on_value(void *context, struct chek_bytes_view name, struct chek_bytes_view text)
{
    struct again *again = context;
    uint16_t field;
    return chek_record_build_set(&again->build, name, text, &field);
}

static int
on_again(void *context, struct chek_bytes_view body)
{
    struct again *again = context;
    (void)body;
    again->erased_count += 1;
    return CHEK_OK;
}

static int
line_fail(const struct again *again, int error)
{
    char text[128];
    (void)snprintf(text, sizeof text, "line %llu: a line of chek person erasures --json is wanted",
                   (unsigned long long)again->line);
    return chek__error(again->run, error, "file", text);
}

/* Who was never on this copy has nothing to be erased there. */
static int
line_run(struct again *again, struct chek_bytes_view line)
{
    struct chek__run *run = again->run;
    struct chek_erasure *what;
    uint8_t bytes[CHEK_PERSON_QUERY_SIZE_MAX];
    chek_arena_reset(&run->kept);
    int error = chek_record_build_begin(&again->build, &run->kept, CHEK_RECORD_ERASURE, &what);
    if (error == CHEK_OK) {
        error = chek__json_line_read(line, on_value, again);
    }
    if (error == CHEK_OK && (what->organisation.size == 0 || what->erased == 0)) {
        error = CHEK_E_FIELD_MISSING;
    }
    if (error != CHEK_OK) {
        return line_fail(again, error);
    }
    struct chek_person_query question = {.organisation = what->organisation,
                                         .erased = what->erased};
    memcpy(question.subject, what->subject, sizeof question.subject);
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_person_query_encode(&out, &question);
    error = chek_client_request(run->client, CHEK_OPCODE_PERSON_ERASE,
                                chek_bytes_view_of(bytes, out.size), on_again, again);
    if (error == CHEK_E_NOT_FOUND) {
        again->unknown_count += 1;
        return CHEK_OK;
    }
    return error == CHEK_OK ? CHEK_OK : chek__failure(run, chek_client_failure(run->client));
}

static int
file_run(struct again *again, FILE *file)
{
    char line[LINE_SIZE_MAX];
    int stop = CHEK_OK;
    while (stop == CHEK_OK && fgets(line, sizeof line, file) != NULL) {
        size_t size = strlen(line);
        again->line += 1;
        if (line[size - 1] != '\n' && feof(file) == 0) {
            return line_fail(again, CHEK_E_LIMIT);
        }
        if (strspn(line, " \t\r\n") != size) {
            stop = line_run(again, chek_bytes_view_of(line, size));
        }
    }
    return stop != CHEK_OK || ferror(file) == 0 ? stop
                                                : chek__error(again->run, -EIO, "file", NULL);
}

static int
erase_again(struct chek__run *run, const char *name)
{
    struct again again = {.run = run};
    bool is_input = strcmp(name, "-") == 0;
    int stop = chek__connect(run);
    if (stop != CHEK_OK) {
        return stop;
    }
    FILE *file = is_input ? stdin : fopen(name, "re");
    if (file == NULL) {
        return chek__error(run, -errno, "file", name);
    }
    stop = file_run(&again, file);
    if (!is_input) {
        (void)fclose(file);
    }
    if (stop == CHEK_OK && run->json) {
        chek__json_open(run);
        chek__json_number(run, "erased", (int64_t)again.erased_count);
        chek__json_number(run, "unknown", (int64_t)again.unknown_count);
        chek__json_close(run);
        chek__json_end(run);
    } else if (stop == CHEK_OK) {
        (void)printf("%llu are erased, %llu were never here\n",
                     (unsigned long long)again.erased_count,
                     (unsigned long long)again.unknown_count);
    }
    return stop;
}

static int
person_erase(struct chek__run *run, int count, char **words)
{
    struct chek__person_words whom = {0};
    struct chek_person_query question;
    const char *file = NULL;
    const struct chek__option options[] = {CHEK__PERSON_OPTIONS(whom),
                                           {"file", CHEK__OPTION_TEXT, (void *)&file}};
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (file != NULL) {
        return whom.organisation == NULL && !chek__person_is_said(&whom)
                   ? erase_again(run, file)
                   : chek__usage(run, "--file says whom: nothing else is wanted");
    }
    stop = chek__person_read(run, &whom, &question);
    return stop == CHEK_OK ? chek__ask(run, CHEK_OPCODE_PERSON_ERASE, person_query_encode,
                                       &question, on_erased, run)
                           : stop;
}

const struct chek__command chek__command_person_erase = {
    "person erase", "forget who somebody is",
    "  chek person erase --org ORG --phone P | --email E | --iin N | --name NAME | --subject S\n"
    "  chek person erase --file FILE\n\n" CHEK__PERSON_HELP
    "  --file     lines of `chek person erasures --json`, run on a copy of the folder from before\n"
    "             them, before registers reach it; - reads the standard input\n\n"
    "  The value is deleted, for all receipts of the organisation; the receipts stay, with a subject\n"
    "  of which nobody can say who it is. Other values of the same person are others: erase each.\n"
    "  A later receipt with the value makes it known again; a repeat of an old one does not.\n"
    "  Snapshots and log files of before still have it, encrypted: erasures_incomplete of\n"
    "  `chek status` says of how many, and since when. They go with later snapshots; stopping and\n"
    "  starting the server, and then `chek snapshot`, has all of them gone. Backups keep it until\n"
    "  they expire: keep the list of erasures beside them.\n\n"
    "Examples\n"
    "  chek person erase --org 123456789012 --phone '+7 701 000 00 00'\n"
    "  chek person erase --file erasures.jsonl\n",
    person_erase};

/* ---- the list --------------------------------------------------------------------------------- */

struct erasure_list {
    struct chek__run *run;
    struct chek__table table;
};

static int
on_erasures(void *context, struct chek_bytes_view body)
{
    struct erasure_list *list = context;
    struct chek_erasures answer;
    int error = CHEK__DECODE(list->run, erasures, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.erasures_count; i++) {
        const struct chek_erasure *erasure = &answer.erasures[i];
        char subject[CHEK__SUBJECT_TEXT_SIZE];
        char time[CHEK_CIVIL_TEXT_MAX];
        if (list->run->json) {
            chek__json_record(list->run, NULL, CHEK_RECORD_ERASURE, erasure);
            chek__json_end(list->run);
            continue;
        }
        chek__subject_text(erasure->subject, subject);
        (void)chek_civil_write_utc(erasure->erased, time);
        chek__cell(&list->table, erasure->organisation);
        chek__cell_text(&list->table, subject);
        chek__cell_text(&list->table, time);
    }
    return error;
}

static int
person_erasures(struct chek__run *run, int count, char **words)
{
    static const char *const titles[] = {"<organisation", "<subject", "<erased"};
    static struct erasure_list list;
    const char *organisation = "";
    const struct chek__option options[] = {{"org", CHEK__OPTION_TEXT, (void *)&organisation}};
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    struct chek_person_query question = {.organisation = chek_bytes_view_text(organisation)};
    list.run = run;
    if (chek__table_open(&list.table, titles, CHEK_COUNT(titles), false) != CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    stop = chek__ask(run, CHEK_OPCODE_ASK_ERASURES, person_query_encode, &question, on_erasures,
                     &list);
    if (stop == CHEK_OK && !run->json) {
        chek__table_close(&list.table);
    }
    return stop;
}

const struct chek__command chek__command_person_erasures = {
    "person erasures", "who was erased",
    "  chek person erasures [--org ORG]\n\n"
    "  Subjects, and since when; last ones first. They are erased, or came back with a later receipt.\n"
    "  Keep it beside backups (--json), to run it on what is restored: chek person erase --file\n\n"
    "Examples\n"
    "  chek person erasures\n"
    "  chek person erasures --json >erasures.jsonl\n",
    person_erasures};
