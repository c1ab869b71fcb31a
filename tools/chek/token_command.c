/* SPDX-License-Identifier: MIT */
/*
 * token_command.c - chek token add, list, revoke.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/decimal.h"
#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/text_table.h"

#define SCOPE_COUNT_MAX 256

CHEK__ENCODER(token_add)
CHEK__ENCODER(token_revoke)
CHEK__ENCODER(nothing)

/* ---- add -------------------------------------------------------------------------------------- */

struct token_added {
    struct chek__run *run;
    const char *out; /* NULL: shown */
    int file;        /* of `out`, made before the server was asked */
    bool is_written;
};

/* Write the token where nobody else can read it. The principal is there, whatever happens here. */
static int
token_write(struct token_added *added, const struct chek_token_added *answer)
{
    struct chek_bytes_view token = answer->token;
    int error = CHEK_OK;
    if (write(added->file, token.bytes, token.size) != (ssize_t)token.size ||
        write(added->file, "\n", 1) != 1 || fsync(added->file) != 0) {
        error = errno != 0 ? -errno : -EIO;
    }
    added->is_written = error == CHEK_OK;
    if (error != CHEK_OK) {
        (void)fprintf(stderr, "chek: principal %u was made, and its token is lost: revoke '#%u'\n",
                      answer->principal, answer->principal);
    }
    return error;
}

static int
on_added(void *context, struct chek_bytes_view body)
{
    struct token_added *added = context;
    struct chek__run *run = added->run;
    struct chek_token_added answer;
    int error = CHEK__DECODE(run, token_added, body, &answer);
    if (error != CHEK_OK) {
        return error;
    }
    error = added->out != NULL ? token_write(added, &answer) : CHEK_OK;
    if (error != CHEK_OK) {
        return error;
    }
    if (run->json) {
        chek__json_open(run);
        chek__json_number(run, "principal", answer.principal);
        if (added->out == NULL) {
            chek__json_text(run, "token", answer.token);
        } else {
            chek__json_text(run, "token_file", chek_bytes_view_text(added->out));
        }
        chek__json_close(run);
        chek__json_end(run);
    } else if (added->out != NULL) {
        (void)printf("principal %u, its token is in %s\n", answer.principal, added->out);
    } else {
        (void)printf("%.*s\n", (int)answer.token.size, (const char *)answer.token.bytes);
        (void)fprintf(stderr, "principal %u; the token is not shown again\n", answer.principal);
    }
    return CHEK_OK;
}

/* As bits, in the order of enum right. */
static const char *const right_names[] = {"read", "ingest", "admin", "persons"};
_Static_assert(CHEK_COUNT(right_names) == CHEK_RIGHT_COUNT, "a name a right");

/* "read,ingest" as bits; 0 when a word is not a right. */
static uint32_t
rights_read(const char *text)
{
    uint32_t rights = 0;
    while (*text != 0) {
        size_t size = strcspn(text, ",");
        uint32_t right = 0;
        for (uint32_t i = 0; i < CHEK_COUNT(right_names); i++) {
            if (strlen(right_names[i]) == size && memcmp(right_names[i], text, size) == 0) {
                right = UINT32_C(1) << i;
            }
        }
        if (right == 0) {
            return 0;
        }
        rights |= right;
        text += size;
        text += *text == ',' && text[1] != 0;
    }
    return rights;
}

static int
views_of(struct chek__run *run, const struct chek__list *list, const char *name,
         struct chek_bytes_view *views)
{
    if (list->count > SCOPE_COUNT_MAX) {
        return chek__usage(run, "at most %d times --%s", SCOPE_COUNT_MAX, name);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        views[i] = chek_bytes_view_text(list->values[i]);
    }
    return CHEK_OK;
}

static int
token_add(struct chek__run *run, int count, char **words)
{
    struct chek__list names = {0}, organisations = {0}, points = {0}, registers = {0};
    struct chek_bytes_view views[3][SCOPE_COUNT_MAX];
    struct token_added added = {.run = run};
    const char *rights = "";
    bool trusted = false;
    const struct chek__option options[] = {
        {"rights", CHEK__OPTION_TEXT, (void *)&rights},
        {"org", CHEK__OPTION_LIST, &organisations},
        {"point", CHEK__OPTION_LIST, &points},
        {"kkm", CHEK__OPTION_LIST, &registers},
        {"trusted", CHEK__OPTION_FLAG, &trusted},
        {"out", CHEK__OPTION_TEXT, (void *)&added.out},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), &names);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    uint32_t bits = rights_read(rights);
    if (names.count != 1 || bits == 0) {
        return chek__usage(run, "chek token add NAME --rights read,ingest,admin,persons (some of "
                                "them)");
    }
    if (views_of(run, &organisations, "org", views[0]) != CHEK_OK ||
        views_of(run, &points, "point", views[1]) != CHEK_OK ||
        views_of(run, &registers, "kkm", views[2]) != CHEK_OK) {
        return CHEK__EXIT_USAGE;
    }
    struct chek_scope scope = {.organisations = views[0],
                               .organisations_count = organisations.count,
                               .points = views[1],
                               .points_count = points.count,
                               .registers = views[2],
                               .registers_count = registers.count};
    bool bounded = organisations.count + points.count + registers.count != 0;
    struct chek_token_add question = {.name = chek_bytes_view_text(names.values[0]),
                                      .rights = bits,
                                      .scope = bounded ? &scope : NULL,
                                      .trusted = trusted};
    if (added.out == NULL) {
        return chek__ask(run, CHEK_OPCODE_TOKEN_ADD, token_add_encode, &question, on_added, &added);
    }
    /* First the file: a principal whose token has no place would be there, and be of no use. */
    added.file = open(added.out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (added.file < 0) {
        return chek__error(run, -errno, NULL, added.out);
    }
    stop = chek__ask(run, CHEK_OPCODE_TOKEN_ADD, token_add_encode, &question, on_added, &added);
    (void)close(added.file);
    if (!added.is_written) {
        (void)unlink(added.out);
    }
    return stop;
}

const struct chek__command chek__command_token_add = {
    "token add", "make a principal; its token is shown once",
    "  chek token add NAME --rights read,ingest,admin,persons [--org ORG].. [--point POINT]..\n"
    "                 [--kkm KEY].. [--trusted] [--out FILE]\n\n"
    "  --rights   read: ask; ingest: feed; admin: tokens and snapshots; persons: who people on\n"
    "             receipts are (no other right has it)\n"
    "  --org, --point, --kkm   only registers of these; each may be given again, and then\n"
    "             any of its values will do; of two or three of them each must hold\n"
    "  --trusted  may make registers by feeding them\n"
    "  --out      write the token to a new file (0600) instead of showing it\n\n"
    "Examples\n"
    "  chek token add importer --rights ingest --trusted --out importer.token\n"
    "  chek token add shop-12 --rights read --org 7825706086 --point 'Main street 1'\n",
    token_add};

/* ---- list ------------------------------------------------------------------------------------- */

struct token_list {
    struct chek__run *run;
    struct chek__table table;
};

/* Three of a scope's names and how many more there are. */
static void
scope_cell(struct token_list *list, const struct chek_bytes_view *names, uint32_t count)
{
    char text[256] = "";
    size_t size = 0;
    for (uint32_t i = 0; i < count && i < 3; i++) {
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%.*s", i != 0 ? ", " : "",
                                 (int)(names[i].size < 64 ? names[i].size : 64),
                                 (const char *)names[i].bytes);
    }
    if (count > 3) {
        (void)snprintf(text + size, sizeof text - size, " and %u more", count - 3);
    }
    chek__cell_text(&list->table, count != 0 ? text : "all");
}

static void
principal_show(struct token_list *list, const struct chek_principal *principal)
{
    static const struct chek_scope all;
    const struct chek_scope *scope = principal->scope != NULL ? principal->scope : &all;
    char rights[64] = "";
    size_t size = 0;
    for (uint32_t i = 0; i < CHEK_COUNT(right_names); i++) {
        if ((principal->rights >> i & 1) != 0) {
            size += (size_t)snprintf(rights + size, sizeof rights - size, "%s ", right_names[i]);
        }
    }
    chek__cell_number(&list->table, principal->principal);
    chek__cell(&list->table, principal->name);
    chek__cell(&list->table, chek_bytes_view_of(rights, size != 0 ? size - 1 : 0));
    chek__cell_text(&list->table, principal->trusted ? "yes" : "");
    chek__cell_text(&list->table, principal->revoked ? "yes" : "");
    scope_cell(list, scope->organisations, scope->organisations_count);
    scope_cell(list, scope->points, scope->points_count);
    scope_cell(list, scope->registers, scope->registers_count);
}

static int
on_principals(void *context, struct chek_bytes_view body)
{
    struct token_list *list = context;
    struct chek_principals answer;
    int error = CHEK__DECODE(list->run, principals, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.principals_count; i++) {
        if (list->run->json) {
            chek__json_record(list->run, NULL, CHEK_RECORD_PRINCIPAL, &answer.principals[i]);
            chek__json_end(list->run);
        } else {
            principal_show(list, &answer.principals[i]);
        }
    }
    return error;
}

static int
token_list(struct chek__run *run, int count, char **words)
{
    static const char *const titles[] = {"id",       "<name",          "<rights", "<trusted",
                                         "<revoked", "<organisations", "<points", "<registers"};
    static struct token_list list;
    struct chek_nothing nothing = {0};
    int stop = chek__arguments_read(run, count, words, NULL, 0, NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    list.run = run;
    if (chek__table_open(&list.table, titles, CHEK_COUNT(titles), false) != CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    stop = chek__ask(run, CHEK_OPCODE_TOKENS, nothing_encode, &nothing, on_principals, &list);
    if (stop == CHEK_OK && !run->json) {
        chek__table_close(&list.table);
    }
    return stop;
}

const struct chek__command chek__command_token_list = {
    "token list", "the principals, without their tokens",
    "  chek token list\n\nExamples\n  chek token list\n  chek token list --json\n", token_list};

/* ---- revoke ----------------------------------------------------------------------------------- */

static int
token_revoke(struct chek__run *run, int count, char **words)
{
    struct chek__list names = {0};
    struct chek_token_revoke question = {0};
    uint64_t number;
    int stop = chek__arguments_read(run, count, words, NULL, 0, &names);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (names.count != 1) {
        return chek__usage(run, "chek token revoke NAME, or its number as #7");
    }
    const char *name = names.values[0];
    if (name[0] == '#') {
        if (chek_decimal_read_u64(chek_bytes_view_text(name + 1), &number) != CHEK_OK ||
            number == 0 || number > UINT32_MAX) {
            return chek__usage(run, "'%s' is no principal's number", name);
        }
        question.principal = (uint32_t)number;
    } else {
        question.name = chek_bytes_view_text(name);
    }
    stop = chek__ask(run, CHEK_OPCODE_TOKEN_REVOKE, token_revoke_encode, &question, NULL, NULL);
    if (stop == CHEK_OK && run->json) {
        chek__json_open(run);
        chek__json_text(run, "revoked", chek_bytes_view_text(name));
        chek__json_close(run);
        chek__json_end(run);
    } else if (stop == CHEK_OK) {
        (void)printf("%s is revoked; its connections are closed\n", name);
    }
    return stop;
}

const struct chek__command chek__command_token_revoke = {
    "token revoke", "end a principal for ever",
    "  chek token revoke NAME\n\nExamples\n  chek token revoke shop-12\n  chek token revoke '#7'\n",
    token_revoke};
