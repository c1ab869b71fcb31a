/* SPDX-License-Identifier: MIT */
/*
 * run.c - the connection of a run, and how errors are told.
 */
#include "tools/chek/run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/chek/json.h"

#define QUESTION_SIZE_MAX CHEK_FRAME_BODY_SIZE_MAX
#define TOKEN_SIZE_MAX 128

/* ---- errors ----------------------------------------------------------------------------------- */

/* What a person can do about an error. */
static const char *
hint_of(int code)
{
    switch (code) {
    case -ECONNREFUSED:
        return "is chekd running there? --server HOST:PORT or CHEK_SERVER says where";
    case CHEK_E_AUTHENTICATION:
        return "a fresh data folder has an administrator's token in DIR/admin.token; --token-file "
               "FILE or CHEK_TOKEN_FILE says which to show";
    case CHEK_E_PERMISSION:
        return "an administrator can add a token with more rights: chek token add NAME --rights ..";
    case CHEK_E_SHIFT_OPEN:
        return "chek report x shows a shift that is open";
    case CHEK_E_AMBIGUOUS:
        return "name it by #ID; of a register, say what the name is: rnm:.. factory:.. fn:.. device:.. "
               "name:..";
    case CHEK_E_NOT_FOUND:
        return "what the token's scope does not contain is not found either";
    case CHEK_E_BUSY:
        return "try again";
    case CHEK_E_LATCHED:
        return "see the server's log; after a restart what is durable is there";
    case CHEK_E_USAGE:
        return "chek COMMAND --help shows examples";
    default:
        return "";
    }
}

int
chek__error(struct chek__run *run, int code, const char *field, const char *text)
{
    text = text != NULL && text[0] != 0 ? text : chek_error_text(code);
    const char *hint = hint_of(code);
    (void)fflush(stdout);
    if (run->json) {
        chek__json_error(run, chek_error_name(code), field, text, hint);
    } else {
        bool has_field = field != NULL && field[0] != 0;
        (void)fprintf(stderr, "chek: %s%s%s (%s)\n", has_field ? field : "", has_field ? ": " : "",
                      text, chek_error_name(code));
        if (hint[0] != 0) {
            (void)fprintf(stderr, "      %s\n", hint);
        }
    }
    return code == CHEK_E_USAGE || code == CHEK_E_OPTION ? CHEK__EXIT_USAGE : CHEK__EXIT_REFUSED;
}

int
chek__usage(struct chek__run *run, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return chek__error(run, CHEK_E_USAGE, NULL, text);
}

int
chek__failure(struct chek__run *run, const struct chek_failure *failure)
{
    char field[96];
    (void)snprintf(field, sizeof field, "%s", chek_field_name(failure->field));
    if (field[0] != 0 && failure->index != 0) {
        size_t size = strlen(field);
        (void)snprintf(field + size, sizeof field - size, "[%u]", failure->index);
    }
    return chek__error(run, failure->code, field, failure->text);
}

/* ---- the connection --------------------------------------------------------------------------- */

struct chek_bytes_view
chek__keep(struct chek__run *run, struct chek_bytes_view text)
{
    uint8_t *copy = chek_arena_take(&run->kept, text.size + 1);
    if (copy == NULL) {
        return chek_bytes_view_of("", 0);
    }
    if (text.size != 0) {
        memcpy(copy, text.bytes, text.size);
    }
    copy[text.size] = 0;
    return chek_bytes_view_of(copy, text.size);
}

/* The first line of the token's file. */
static int
token_read(struct chek__run *run, const char *path, struct chek_bytes_view *ret)
{
    char line[TOKEN_SIZE_MAX + 2];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return chek__error(run, -errno, NULL, path);
    }
    char *got = fgets(line, sizeof line, file);
    (void)fclose(file);
    size_t size = got != NULL ? strcspn(line, "\r\n \t") : 0;
    if (size == 0 || size > TOKEN_SIZE_MAX) {
        char text[512];
        (void)snprintf(text, sizeof text, "%.400s has no token in it", path);
        return chek__error(run, CHEK_E_AUTHENTICATION, NULL, text);
    }
    *ret = chek__keep(run, chek_bytes_view_of(line, size));
    memset(line, 0, sizeof line);
    return CHEK_OK;
}

int
chek__connection(struct chek__run *run, struct chek_client_options *ret)
{
    const char *server = run->server != NULL ? run->server : getenv("CHEK_SERVER");
    const char *path = run->token_file != NULL ? run->token_file : getenv("CHEK_TOKEN_FILE");
    struct chek_bytes_view token;

    if (path == NULL || path[0] == 0) {
        return chek__usage(run, "no token: --token-file FILE or CHEK_TOKEN_FILE");
    }
    int stop = token_read(run, path, &token);
    if (stop == CHEK_OK) {
        *ret = (struct chek_client_options){
            .address = server != NULL && server[0] != 0 ? server : RUN_SERVER_DEFAULT,
            .token = token,
            .program = RUN_PROGRAM};
    }
    return stop;
}

int
chek__connect(struct chek__run *run)
{
    struct chek_client_options options;
    struct chek_failure failure;
    if (run->client != NULL) {
        return CHEK_OK;
    }
    int stop = chek__connection(run, &options);
    if (stop != CHEK_OK) {
        return stop;
    }
    int error = chek_client_connect(&options, &run->client, &failure);
    return error == CHEK_OK ? CHEK_OK : chek__failure(run, &failure);
}

int
chek__ask(struct chek__run *run, uint16_t opcode, chek__encode encode, const void *record,
          chek_client_on_body on_body, void *context)
{
    int stop = chek__connect(run);
    if (stop != CHEK_OK) {
        return stop;
    }
    chek_arena_reset(&run->arena);
    uint8_t *bytes = chek_arena_take(&run->arena, QUESTION_SIZE_MAX);
    if (bytes == NULL) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    struct chek_writer out = chek_writer_over(bytes, QUESTION_SIZE_MAX);
    encode(&out, record);
    if (out.full) {
        return chek__error(run, CHEK_E_LIMIT, NULL, "the question is too long");
    }
    int error = chek_client_request(run->client, opcode, chek_bytes_view_of(bytes, out.size),
                                    on_body, context);
    return error == CHEK_OK ? CHEK_OK : chek__failure(run, chek_client_failure(run->client));
}
