/* SPDX-License-Identifier: MIT */
/*
 * person_show_command.c - chek person show, and the people of one receipt.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/civil.h"
#include "engine/base/utf8.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/person_words.h"
#include "tools/chek/report_print.h"

CHEK__ENCODER(person_query)

static const char *const kind_names[] = {"contact", "tin", "name"};
_Static_assert(CHEK_COUNT(kind_names) == CHEK_PERSON_KIND_COUNT, "a name a kind");

struct chek_bytes_view
chek__person_text(const struct chek_known_person *person, char text[CHEK__PERSON_TEXT_SIZE])
{
    char time[CHEK_CIVIL_TEXT_MAX];
    if (person->value.size != 0) {
        return chek_utf8_clip(person->value, CHEK_TEXT_SIZE_MAX);
    }
    (void)chek_civil_write_utc(person->erased, time);
    int size = person->sealed
                   ? snprintf(text, CHEK__PERSON_TEXT_SIZE, "(encrypted with another secret.key)")
                   : snprintf(text, CHEK__PERSON_TEXT_SIZE, "(erased %s)", time);
    return chek_bytes_view_of(text, (size_t)size);
}

struct showing {
    struct chek__run *run;
    struct chek_known_person *into; /* NULL: it is printed */
};

static int
on_person(void *context, struct chek_bytes_view body)
{
    struct showing *showing = context;
    struct chek__run *run = showing->run;
    struct chek_known_person answer;
    char text[CHEK__PERSON_TEXT_SIZE];
    char subject[CHEK__SUBJECT_TEXT_SIZE];
    int error = CHEK__DECODE(run, known_person, body, &answer);
    if (error != CHEK_OK) {
        return error;
    }
    if (showing->into != NULL) {
        answer.value = chek__keep(run, answer.value);
        *showing->into = answer;
    } else if (run->json) {
        chek__json_record(run, NULL, CHEK_RECORD_KNOWN_PERSON, &answer);
        chek__json_end(run);
    } else {
        struct chek_bytes_view value = chek__person_text(&answer, text);
        chek__subject_text(answer.subject, subject);
        (void)printf("%s  %s  %.*s\n", subject,
                     answer.value.size != 0 ? kind_names[answer.kind % CHEK_PERSON_KIND_COUNT]
                                            : "-",
                     (int)value.size, (const char *)value.bytes);
    }
    return CHEK_OK;
}

int
chek__person_of_document(struct chek__run *run, const struct chek_stored *stored,
                         const uint8_t subject[16], struct chek_known_person *ret)
{
    struct chek_target target = {.registration = stored->registration};
    struct chek_person_query question = {.target = &target, .ordinal = stored->ordinal + 1};
    struct showing showing = {.run = run, .into = ret};
    memcpy(question.subject, subject, sizeof question.subject);
    return chek__ask(run, CHEK_OPCODE_ASK_PERSON, person_query_encode, &question, on_person,
                     &showing);
}

static int
person_show(struct chek__run *run, int count, char **words)
{
    static struct chek__list subjects;
    struct chek__person_words whom = {0};
    struct chek_person_query question;
    struct showing showing = {.run = run};
    const struct chek__option options[] = {CHEK__PERSON_OPTIONS(whom)};
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), &subjects);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (subjects.count == 1 && whom.subject == NULL) {
        whom.subject = subjects.values[0];
    } else if (subjects.count != 0) {
        return chek__usage(run, "chek person show SUBJECT --org ORG: one person at a time");
    }
    stop = chek__person_read(run, &whom, &question);
    return stop == CHEK_OK ? chek__ask(run, CHEK_OPCODE_ASK_PERSON, person_query_encode, &question,
                                       on_person, &showing)
                           : stop;
}

const struct chek__command chek__command_person_show = {
    "person show", "who a subject is",
    "  chek person show SUBJECT --org ORG\n"
    "  chek person show --org ORG --phone P | --email E | --iin N | --name NAME\n\n" CHEK__PERSON_HELP
    "  The value as it stood on the first receipt that had it; that it was erased; or that it was\n"
    "  encrypted with another secret.key than the server has. The token needs the right `persons`, and\n"
    "  all of the organisation; chek receipt --persons shows the people of a receipt that is seen.\n\n"
    "Examples\n"
    "  chek person show 1a2b3c4d5e6f708192a3b4c5d6e7f809 --org 123456789012\n"
    "  chek person show --org 123456789012 --phone '+7 701 000 00 00' --json\n",
    person_show};
