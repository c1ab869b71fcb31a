/* SPDX-License-Identifier: MIT */
/*
 * run.h - one run of `chek`: what was asked for, the connection, and how it is told.
 *
 * A command is a row of the table in main.c: its words, its help, its function. The function reads
 * its options (arguments.h), asks the server (run.h), and shows the answer as a table (text_table.h) or
 * as JSON (json.h). It returns an exit code: 0 done, 1 refused or not found, 2 wrong usage.
 */
#ifndef CHEK_TOOLS_CHEK_RUN_H
#define CHEK_TOOLS_CHEK_RUN_H

#include "query/client/client.h"

#define RUN_VERSION "0.1"
#define RUN_PROGRAM "chek/" RUN_VERSION
#define RUN_SERVER_DEFAULT "127.0.0.1:7420"
#define RUN_CURRENCY_DEFAULT 398

enum chek__exit { CHEK__EXIT_DONE = 0, CHEK__EXIT_REFUSED = 1, CHEK__EXIT_USAGE = 2 };

struct chek__run {
    const struct chek__command *command;
    bool json;
    const char *server, *token_file; /* NULL: as the environment says */
    struct chek_client *client;      /* NULL until something is asked */
    struct chek_arena arena;         /* of one frame of an answer */
    struct chek_arena kept;          /* of the whole run */
    void *generator;                 /* of JSON */
};

struct chek__command {
    const char *words; /* "report x" */
    const char *summary;
    const char *help; /* behind the summary: options and examples */
    int (*run)(struct chek__run *run, int count, char **words);
};

/* Tell that something went wrong, on stderr; returns the exit code that goes with it. `text` may be
 * NULL: the error's own. */
int chek__error(struct chek__run *run, int code, const char *field, const char *text);
int chek__usage(struct chek__run *run, const char *format, ...) CHEK_PRINTF(2, 3);

/* Tell a failure of the client. */
int chek__failure(struct chek__run *run, const struct chek_failure *failure);

/* The address and the token that are meant; CHEK_OK, or an exit code after an error was told. */
CHEK_MUST_USE int chek__connection(struct chek__run *run, struct chek_client_options *ret);

/* Connect, if there is no connection. CHEK_OK, or an exit code after the error was told. */
CHEK_MUST_USE int chek__connect(struct chek__run *run);

/*
 * Ask the server: encode a record with its chek_NAME_encode(), send it, hand over every frame.
 * Connects first if there is no connection. CHEK_OK, or an exit code (above 0) after the error was
 * told; what `on_body` returned, negative, is told too.
 */
typedef void (*chek__encode)(struct chek_writer *out, const void *record);
CHEK_MUST_USE int chek__ask(struct chek__run *run, uint16_t opcode, chek__encode encode,
                            const void *record, chek_client_on_body on_body, void *context);

/* Decode a body with chek_NAME_decode_whole(), out of the arena, which is reset before. */
#define CHEK__DECODE(run, name, body, ret)                                       \
    (chek_arena_reset(&(run)->arena),                                            \
     chek_##name##_decode_whole((body).bytes, (body).size, &(run)->arena, (ret), \
                                &(struct chek_fault){0}))

/* An encoder that takes any record. */
#define CHEK__ENCODER(name)                                              \
    static void name##_encode(struct chek_writer *out, const void *what) \
    {                                                                    \
        chek_##name##_encode(out, what);                                 \
    }

/* A copy that lives as long as the run. */
struct chek_bytes_view chek__keep(struct chek__run *run, struct chek_bytes_view text);

/* ---- registers -------------------------------------------------------------------------------- */

/*
 * Find the register that a person named: registration number, factory number, FN, device id, the
 * source's name or the engine's id; `#12`, `fn:..`, `rnm:..`, `factory:..`, `device:..`, `name:..`
 * say which. Errors are told; returns CHEK_OK or an exit code. *ret is kept.
 */
CHEK_MUST_USE int chek__register_find(struct chek__run *run, const char *name,
                                      struct chek_registered *ret);

/* The value of its first key of a kind; an empty view if it has none. */
struct chek_bytes_view chek__register_key(const struct chek_register *what, uint8_t kind);

/* What people call it: its first key. */
struct chek_bytes_view chek__register_name(const struct chek_register *what);
uint16_t chek__register_currency(const struct chek_register *what);

#endif
