/* SPDX-License-Identifier: MIT */
/*
 * kkm_operator_command.c - chek kkm operator add, list, remove: who AUTH of a register knows.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/kkm_device.h"
#include "tools/chek/text_table.h"

#define COLUMN_COUNT 7
#define PASSWORD_SIZE_MAX 64
#define REQUEST_SIZE_MAX 512
#define ROLE_TEXT_SIZE 64

CHEK__ENCODER(operator_set)
CHEK__ENCODER(ask_operators)

/* As bits, from 1; in the order of enum operator_role. */
static const char *const roles[] = {"paymaster", "chief", "administrator"};

/* "paymaster+chief" as bits; nothing is none. False: a word is not a role. */
static bool
roles_read(const char *text, uint32_t *ret)
{
    *ret = 0;
    while (*text != 0) {
        size_t size = strcspn(text, "+");
        uint32_t role = 0;
        for (uint32_t i = 0; i < CHEK_COUNT(roles); i++) {
            if (strlen(roles[i]) == size && memcmp(roles[i], text, size) == 0) {
                role = UINT32_C(1) << i;
            }
        }
        if (role == 0) {
            return false;
        }
        *ret |= role;
        text += size;
        text += *text == '+' && text[1] != 0;
    }
    return true;
}

static bool
code_read(const char *text, uint32_t *ret)
{
    uint64_t number = 0;
    if (text[0] != 0 && (chek_decimal_read_u64(chek_bytes_view_text(text), &number) != CHEK_OK ||
                         number > UINT32_MAX)) {
        return false;
    }
    *ret = (uint32_t)number;
    return true;
}

/* Whose operators: a device or an organisation, and not both. */
static bool
whose_read(const char *device, const char *organisation, uint32_t *ret_device,
           struct chek_bytes_view *ret_organisation)
{
    *ret_device = 0;
    *ret_organisation = chek_bytes_view_text(organisation);
    return (device[0] != 0) != (organisation[0] != 0) &&
           (device[0] == 0 || chek__device_read(device, ret_device) == CHEK_OK);
}

/* ---- one -------------------------------------------------------------------------------------- */

static void
done_show(struct chek__run *run, uint32_t line, const struct chek_operator_set *what)
{
    const char *text = what->remove ? "removed" : "set";
    if (run->json) {
        chek__json_open(run);
        if (line != 0) {
            chek__json_number(run, "line", line);
        }
        chek__json_text(run, "login", what->login);
        if (what->device != 0) {
            chek__json_number(run, "device", what->device);
        } else {
            chek__json_text(run, "organisation", what->organisation);
        }
        chek__json_text(run, "status", chek_bytes_view_text(text));
        chek__json_close(run);
        chek__json_end(run);
    } else {
        (void)printf("operator %.*s is %s\n", (int)what->login.size,
                     (const char *)what->login.bytes, text);
    }
}

struct operator_done {
    struct chek__run *run;
    const struct chek_operator_set *what;
    uint32_t line;
};

static int
on_done(void *context, struct chek_bytes_view body)
{
    const struct operator_done *done = context;
    (void)body; /* nothing */
    done_show(done->run, done->line, done->what);
    return CHEK_OK;
}

/* The first line of a file, or of the standard input for "-": it is never an argument. */
static int
password_read(struct chek__run *run, const char *path, char ret[PASSWORD_SIZE_MAX + 2])
{
    bool is_file = strcmp(path, "-") != 0;
    FILE *file = is_file ? fopen(path, "re") : stdin;
    if (file == NULL) {
        return chek__error(run, -errno, NULL, path);
    }
    char *got = fgets(ret, PASSWORD_SIZE_MAX + 2, file);
    if (is_file) {
        (void)fclose(file);
    }
    size_t size = got != NULL ? strcspn(ret, "\r\n") : 0;
    if (size == 0 || size > PASSWORD_SIZE_MAX) {
        return chek__error(run, CHEK_E_RANGE, "password", "a password has 1 to 64 bytes");
    }
    ret[size] = 0;
    return CHEK_OK;
}

/* ---- many ------------------------------------------------------------------------------------- */

static const char *const columns[COLUMN_COUNT] = {"device", "org",  "login", "password",
                                                  "code",   "name", "roles"};

struct rows {
    struct chek__run *run;
    uint32_t line;
    uint32_t failed_count;
};

static void
row_failed(struct rows *rows, const char *login, int code, const char *field, const char *text)
{
    rows->failed_count += 1;
    if (rows->run->json) {
        chek__json_open(rows->run);
        chek__json_number(rows->run, "line", rows->line);
        chek__json_text(rows->run, "login", chek_bytes_view_text(login));
        chek__json_text(rows->run, "code", chek_bytes_view_text(chek_error_name(code)));
        chek__json_text(rows->run, "field", chek_bytes_view_text(field));
        chek__json_text(rows->run, "text", chek_bytes_view_text(text));
        chek__json_close(rows->run);
        chek__json_end(rows->run);
    } else {
        (void)printf("line %u operator %s: %s %s: %s\n", rows->line, login, chek_error_name(code),
                     field, text);
    }
}

/* A row as a request; false: it is none, which was told. */
static bool
row_make(struct rows *rows, const char *const values[COLUMN_COUNT], struct chek_operator_set *ret)
{
    *ret = (struct chek_operator_set){.login = chek_bytes_view_text(values[2]),
                                      .password = chek_bytes_view_text(values[3]),
                                      .name = chek_bytes_view_text(values[5])};
    if (!whose_read(values[0], values[1], &ret->device, &ret->organisation)) {
        row_failed(rows, values[2], CHEK_E_RANGE, "device", "a device id or an organisation");
        return false;
    }
    if (!code_read(values[4], &ret->code)) {
        row_failed(rows, values[2], CHEK_E_NUMBER, "code", "it is no code");
        return false;
    }
    if (!roles_read(values[6], &ret->roles)) {
        row_failed(rows, values[2], CHEK_E_RANGE, "roles",
                   "paymaster, chief and administrator, with + between");
        return false;
    }
    return true;
}

/* Whether the connection can go on behind this error: the server refused, and said why. */
static bool
is_refusal(int error)
{
    return error <= -5000 && error != CHEK_E_CLOSED && error != CHEK_E_STOPPING;
}

/* Send a row and tell what became of it. Errors: those that end the run. */
static int
row_send(struct rows *rows, char *line)
{
    const char *values[COLUMN_COUNT];
    uint8_t bytes[REQUEST_SIZE_MAX];
    struct chek_operator_set what;
    struct operator_done done = {rows->run, &what, rows->line};
    struct chek_client *client = rows->run->client;
    if (!chek__row_split(line, values, COLUMN_COUNT)) {
        row_failed(rows, "", CHEK_E_RANGE, "", "a row has seven values");
        return CHEK_OK;
    }
    if (!row_make(rows, values, &what)) {
        return CHEK_OK;
    }
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_operator_set_encode(&out, &what);
    if (out.full) {
        row_failed(rows, "", CHEK_E_LIMIT, "", "a value is too long");
        return CHEK_OK;
    }
    int error = chek_client_request(client, CHEK_OPCODE_OPERATOR_SET,
                                    chek_bytes_view_of(bytes, out.size), on_done, &done);
    if (error != CHEK_OK && is_refusal(error)) {
        const struct chek_failure *failure = chek_client_failure(client);
        row_failed(rows, values[2], failure->code, chek_field_name(failure->field), failure->text);
        error = CHEK_OK;
    }
    return error;
}

static int
rows_run(struct rows *rows, FILE *file)
{
    char line[CHEK__LINE_SIZE_MAX];
    int error = CHEK_OK;
    while (error == CHEK_OK && fgets(line, sizeof line, file) != NULL) {
        rows->line += 1;
        if (line[0] != '\n' && line[0] != '\r') {
            error = row_send(rows, line);
        }
    }
    memset(line, 0, sizeof line);
    return error;
}

static int
operators_add(struct chek__run *run, const char *path)
{
    struct rows rows = {.run = run, .line = 1};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return chek__error(run, -errno, "file", NULL);
    }
    int stop = CHEK_OK;
    if (!chek__head_is_right(file, columns, COLUMN_COUNT)) {
        stop = chek__error(run, CHEK_E_RANGE, "file",
                           "the first line is device,org,login,password,code,name,roles");
    }
    if (stop == CHEK_OK) {
        stop = chek__connect(run);
    }
    if (stop == CHEK_OK && rows_run(&rows, file) != CHEK_OK) {
        stop = chek__failure(run, chek_client_failure(run->client));
    }
    (void)fclose(file);
    return stop == CHEK_OK && rows.failed_count != 0 ? CHEK__EXIT_REFUSED : stop;
}

/* ---- add, remove ------------------------------------------------------------------------------ */

static int
operator_add(struct chek__run *run, int count, char **words)
{
    const char *texts[7] = {"", "", "", "", "", "", ""};
    char password[PASSWORD_SIZE_MAX + 2];
    struct chek__list names = {0};
    struct chek_operator_set what = {0};
    const struct chek__option options[] = {
        {"device", CHEK__OPTION_TEXT, (void *)&texts[0]},
        {"org", CHEK__OPTION_TEXT, (void *)&texts[1]},
        {"code", CHEK__OPTION_TEXT, (void *)&texts[2]},
        {"name", CHEK__OPTION_TEXT, (void *)&texts[3]},
        {"roles", CHEK__OPTION_TEXT, (void *)&texts[4]},
        {"password-file", CHEK__OPTION_TEXT, (void *)&texts[5]},
        {"file", CHEK__OPTION_TEXT, (void *)&texts[6]},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), &names);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (texts[6][0] != 0 && names.count == 0) {
        return operators_add(run, texts[6]);
    }
    if (names.count != 1 || texts[5][0] == 0 ||
        !whose_read(texts[0], texts[1], &what.device, &what.organisation)) {
        return chek__usage(run, "LOGIN, --password-file, and one of --device and --org");
    }
    if (!code_read(texts[2], &what.code) || !roles_read(texts[4], &what.roles)) {
        return chek__usage(run, "--code is a number, --roles as paymaster+chief+administrator");
    }
    stop = password_read(run, texts[5], password);
    if (stop != CHEK_OK) {
        return stop;
    }
    what.login = chek_bytes_view_text(names.values[0]);
    what.name = chek_bytes_view_text(texts[3]);
    what.password = chek_bytes_view_text(password);
    struct operator_done done = {run, &what, 0};
    stop = chek__ask(run, CHEK_OPCODE_OPERATOR_SET, operator_set_encode, &what, on_done, &done);
    memset(password, 0, sizeof password);
    return stop;
}

static int
operator_remove(struct chek__run *run, int count, char **words)
{
    const char *device = "";
    const char *organisation = "";
    struct chek__list names = {0};
    struct chek_operator_set what = {.remove = true};
    const struct chek__option options[] = {
        {"device", CHEK__OPTION_TEXT, (void *)&device},
        {"org", CHEK__OPTION_TEXT, (void *)&organisation},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), &names);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (names.count != 1 || !whose_read(device, organisation, &what.device, &what.organisation)) {
        return chek__usage(run, "LOGIN, and one of --device and --org");
    }
    what.login = chek_bytes_view_text(names.values[0]);
    struct operator_done done = {run, &what, 0};
    return chek__ask(run, CHEK_OPCODE_OPERATOR_SET, operator_set_encode, &what, on_done, &done);
}

const struct chek__command chek__command_operator_add = {
    "kkm operator add", "let somebody work at registers: AUTH of a register knows them",
    "  chek kkm operator add LOGIN (--device ID | --org ORG) --password-file FILE\n"
    "                        [--code N] [--name TEXT] [--roles paymaster+chief+administrator]\n"
    "  chek kkm operator add --file FILE.csv\n\n"
    "  For one register (--device), or for all registers of an organisation (--org). One with the\n"
    "  same login there is replaced. The password is the first line of FILE, or of the standard\n"
    "  input for -; the server keeps a hash of it that is good for nothing without its key. A file\n"
    "  of operators has the head device,org,login,password,code,name,roles; each row has a device or\n"
    "  an org, and is answered by a line. An administrator's rights are needed.\n\n"
    "Examples\n"
    "  chek kkm operator add aliya --org 123456789012 --password-file - --code 7 --name Aliya \\\n"
    "      --roles paymaster\n"
    "  chek kkm operator add --file operators.csv --json\n",
    operator_add};

const struct chek__command chek__command_operator_remove = {
    "kkm operator remove", "let somebody work at registers no more",
    "  chek kkm operator remove LOGIN (--device ID | --org ORG)\n\n"
    "Examples\n"
    "  chek kkm operator remove aliya --org 123456789012\n",
    operator_remove};

/* ---- list ------------------------------------------------------------------------------------- */

static const char *const titles[] = {"<login", "device", "code", "<name", "<roles"};

struct operator_list {
    struct chek__run *run;
    struct chek__table table;
};

static void
operator_row(struct operator_list *list, const struct chek_kkm_operator *known)
{
    char text[ROLE_TEXT_SIZE] = "";
    for (uint32_t i = 0; i < CHEK_COUNT(roles); i++) {
        if ((known->roles & UINT32_C(1) << i) != 0) {
            size_t size = strlen(text);
            (void)snprintf(text + size, sizeof text - size, "%s%s", size != 0 ? "+" : "", roles[i]);
        }
    }
    chek__cell(&list->table, known->login);
    if (known->device != 0) {
        chek__cell_number(&list->table, known->device);
    } else {
        chek__cell_text(&list->table, "all");
    }
    chek__cell_number(&list->table, known->code);
    chek__cell(&list->table, known->name);
    chek__cell_text(&list->table, text);
}

static int
on_operators(void *context, struct chek_bytes_view body)
{
    struct operator_list *list = context;
    struct chek_kkm_operators answer;
    int error = CHEK__DECODE(list->run, kkm_operators, body, &answer);
    for (uint32_t i = 0; error == CHEK_OK && i < answer.operators_count; i++) {
        if (list->run->json) {
            chek__json_record(list->run, NULL, CHEK_RECORD_KKM_OPERATOR, &answer.operators[i]);
            chek__json_end(list->run);
        } else {
            operator_row(list, &answer.operators[i]);
        }
    }
    return error;
}

static int
operator_list(struct chek__run *run, int count, char **words)
{
    static struct operator_list list;
    const char *device = "";
    const char *organisation = "";
    struct chek_ask_operators question = {0};
    const struct chek__option options[] = {
        {"device", CHEK__OPTION_TEXT, (void *)&device},
        {"org", CHEK__OPTION_TEXT, (void *)&organisation},
    };
    int stop = chek__arguments_read(run, count, words, options, CHEK_COUNT(options), NULL);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (!whose_read(device, organisation, &question.device, &question.organisation)) {
        return chek__usage(run, "one of --device and --org");
    }
    list.run = run;
    if (chek__table_open(&list.table, titles, CHEK_COUNT(titles), false) != CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    stop = chek__ask(run, CHEK_OPCODE_ASK_OPERATORS, ask_operators_encode, &question, on_operators,
                     &list);
    if (stop == CHEK_OK && !run->json) {
        chek__table_close(&list.table);
    }
    return stop;
}

const struct chek__command chek__command_operator_list = {
    "kkm operator list", "who may work at a register, or at those of an organisation",
    "  chek kkm operator list (--device ID | --org ORG)\n\n"
    "  With --device those of the register and of its organisation; with --org those of the\n"
    "  organisation and of all its registers.\n\n"
    "Examples\n"
    "  chek kkm operator list --org 123456789012 --json\n",
    operator_list};
