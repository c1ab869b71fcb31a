/* SPDX-License-Identifier: MIT */
/*
 * person_words.h - who is meant, as a person says it: a phone, an e-mail, a taxpayer's number, a name,
 * a subject.
 */
#ifndef CHEK_TOOLS_CHEK_PERSON_WORDS_H
#define CHEK_TOOLS_CHEK_PERSON_WORDS_H

#include "tools/chek/arguments.h"

#define CHEK__SUBJECT_TEXT_SIZE 33

/* Options of a command; NULL: not given. */
struct chek__person_words {
    const char *organisation, *phone, *email, *tin, *name, *subject;
};

#define CHEK__PERSON_OPTIONS(words)                            \
    {"org", CHEK__OPTION_TEXT, (void *)&(words).organisation}, \
        {"phone", CHEK__OPTION_TEXT, (void *)&(words).phone},  \
        {"email", CHEK__OPTION_TEXT, (void *)&(words).email},  \
        {"iin", CHEK__OPTION_TEXT, (void *)&(words).tin},      \
        {"name", CHEK__OPTION_TEXT, (void *)&(words).name},    \
    {                                                          \
        "subject", CHEK__OPTION_TEXT, (void *)&(words).subject \
    }

#define CHEK__PERSON_HELP                                                                         \
    "  --phone, --email, --iin, --name   a value as a receipt may have it; - reads it from the\n" \
    "             standard input, so that it is in no list of processes\n"                        \
    "  --subject  the person's number in this organisation, as receipts show it\n"

/* Whether a value is given: then the organisation has to be. */
bool chek__person_is_said(const struct chek__person_words *words);

/*
 * Read the one person that is meant. CHEK_OK, or an exit code after the mistake was told.
 *
 *   Ownership  borrows the words, and the run's memory
 */
CHEK_MUST_USE int chek__person_read(struct chek__run *run, const struct chek__person_words *words,
                                    struct chek_person_query *ret);

#define CHEK__PERSON_TEXT_SIZE 64

/* The value, or why there is none, for people. Ownership: the person's, or `text`. */
struct chek_bytes_view chek__person_text(const struct chek_known_person *person,
                                         char text[CHEK__PERSON_TEXT_SIZE]);

/*
 * Ask who a subject is that a document names. CHEK_OK, or an exit code after the error was told.
 *
 *   Ownership  ret->value is the run's
 */
CHEK_MUST_USE int chek__person_of_document(struct chek__run *run, const struct chek_stored *stored,
                                           const uint8_t subject[16],
                                           struct chek_known_person *ret);

/* 32 hexadecimal digits. */
bool chek__subject_read(const char *text, uint8_t ret[16]);
void chek__subject_text(const uint8_t subject[16], char ret[CHEK__SUBJECT_TEXT_SIZE]);

#endif
