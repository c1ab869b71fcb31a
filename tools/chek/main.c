/* SPDX-License-Identifier: MIT */
/*
 * main.c - chek: the command line of the server. Finds the command, runs it, ends.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tools/chek/commands.h"

#ifdef __SANITIZE_ADDRESS__ /* marks all of it twice, an eighth of its size: 0.2 s at every start */
#    define ARENA_SIZE ((size_t)64 * 1024 * 1024)
#    define KEPT_SIZE ((size_t)128 * 1024 * 1024) /* a million names, and the rest */
#else
#    define ARENA_SIZE ((size_t)256 * 1024 * 1024) /* of one answer: touched as used */
#    define KEPT_SIZE ((size_t)1024 * 1024 * 1024)
#endif

static const struct chek__command *const commands[] = {
    &chek__command_import,
    &chek__command_export,
    &chek__command_report_x,
    &chek__command_report_z,
    &chek__command_shifts,
    &chek__command_receipts,
    &chek__command_receipt,
    &chek__command_marking,
    &chek__command_analytics,
    &chek__command_gaps,
    &chek__command_reconcile,
    &chek__command_warnings,
    &chek__command_kkm_list,
    &chek__command_kkm_show,
    &chek__command_kkm_add,
    &chek__command_kkm_token,
    &chek__command_kkm_block,
    &chek__command_kkm_unblock,
    &chek__command_kkm_device,
    &chek__command_operator_add,
    &chek__command_operator_list,
    &chek__command_operator_remove,
    &chek__command_nomenclature_load,
    &chek__command_nomenclature_remove,
    &chek__command_nomenclature_show,
    &chek__command_nomenclature_list,
    &chek__command_person_show,
    &chek__command_person_receipts,
    &chek__command_person_erase,
    &chek__command_person_erasures,
    &chek__command_token_add,
    &chek__command_token_list,
    &chek__command_token_revoke,
    &chek__command_status,
    &chek__command_snapshot,
    &chek__command_backup,
    &chek__command_events,
    &chek__command_verify,
};

/* How many words of the line are this command's name; 0: it is another one. */
static int
words_match(const char *words, int count, char **line)
{
    int taken = 0;
    while (*words != 0) {
        size_t size = strcspn(words, " ");
        if (taken == count || strlen(line[taken]) != size ||
            memcmp(line[taken], words, size) != 0) {
            return 0;
        }
        taken += 1;
        words += size;
        words += *words == ' ';
    }
    return taken;
}

/* Whether a command's first word is this one. */
static bool
is_of_group(const struct chek__command *command, const char *group)
{
    size_t size = strlen(group);
    return strncmp(command->words, group, size) == 0 && command->words[size] == ' ';
}

static bool
is_group(const char *word)
{
    for (size_t i = 0; i < CHEK_COUNT(commands); i++) {
        if (is_of_group(commands[i], word)) {
            return true;
        }
    }
    return false;
}

/* Every command, or those of a group ("report"). */
static void
help_show(FILE *out, const char *group)
{
    (void)fprintf(out,
                  "chek - ask and feed a chek server\n\n"
                  "  chek %s [options]\n\n",
                  group != NULL ? group : "COMMAND");
    for (size_t i = 0; i < CHEK_COUNT(commands); i++) {
        if (group == NULL || is_of_group(commands[i], group)) {
            (void)fprintf(out, "  %-20s %s\n", commands[i]->words, commands[i]->summary);
        }
    }
    (void)fprintf(
        out, "\nEvery command takes\n"
             "  --server HOST:PORT   where chekd listens (CHEK_SERVER; " RUN_SERVER_DEFAULT ")\n"
             "  --token-file FILE    the token to show (CHEK_TOKEN_FILE)\n"
             "  --json               for programs: one document, or a line for each row of a list\n"
             "  --help               what it does, with examples\n\n"
             "A register is named by registration number, factory number, FN, device id, or the\n"
             "engine's id. Exit: 0 done, 1 refused or not found, 2 wrong usage.\n");
}

static int
command_run(const struct chek__command *command, int count, char **words)
{
    struct chek__run run = {.command = command};
    if (chek_arena_init(&run.arena, ARENA_SIZE) != CHEK_OK ||
        chek_arena_init(&run.kept, KEPT_SIZE) != CHEK_OK) {
        (void)fprintf(stderr, "chek: no memory\n");
        return CHEK__EXIT_REFUSED;
    }
    int code = command->run(&run, count, words);
    chek_client_close(run.client);
    chek_arena_finish(&run.arena);
    chek_arena_finish(&run.kept);
    if (fflush(stdout) != 0 && code == CHEK__EXIT_DONE) {
        (void)fprintf(stderr, "chek: what was to be shown could not be written\n");
        code = CHEK__EXIT_REFUSED;
    }
    return code;
}

/* No command has these words: said as every other wrong usage is, also as JSON. */
static int
no_command(int count, char **line)
{
    struct chek__run run = {0};
    bool in_group = is_group(line[1]);
    const char *second = count > 2 && line[2][0] != '-' ? line[2] : "";
    for (int i = 1; i < count; i++) {
        run.json = run.json || strcmp(line[i], "--json") == 0;
        if (in_group && strcmp(line[i], "--help") == 0) {
            help_show(stdout, line[1]);
            return CHEK__EXIT_DONE;
        }
    }
    return chek__usage(&run, "there is no command '%s%s%s'; `chek%s%s --help` lists them", line[1],
                       in_group && second[0] != 0 ? " " : "", in_group ? second : "",
                       in_group ? " " : "", in_group ? line[1] : "");
}

int
main(int count, char **line)
{
    (void)signal(SIGPIPE, SIG_DFL); /* `chek receipts | head` ends quietly */
    if (count > 1 && (strcmp(line[1], "--help") == 0 || strcmp(line[1], "help") == 0)) {
        help_show(stdout, NULL);
        return CHEK__EXIT_DONE;
    }
    if (count > 1 && strcmp(line[1], "--version") == 0) {
        (void)printf("chek " RUN_VERSION "\n");
        return CHEK__EXIT_DONE;
    }
    for (size_t i = 0; i < CHEK_COUNT(commands); i++) {
        int taken = words_match(commands[i]->words, count - 1, line + 1);
        if (taken > 0) {
            return command_run(commands[i], count - 1 - taken, line + 1 + taken);
        }
    }
    if (count > 1) {
        return no_command(count, line);
    }
    help_show(stderr, NULL);
    return CHEK__EXIT_USAGE;
}
