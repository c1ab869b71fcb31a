/* SPDX-License-Identifier: MIT */
/*
 * nomenclature_list_command.c - chek nomenclature remove, show, list: the lists that there are.
 */
#include <errno.h>
#include <stdio.h>

#include "tools/chek/arguments.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"
#include "tools/chek/nomenclature_whose.h"
#include "tools/chek/report_print.h"
#include "tools/chek/text_table.h"

CHEK__ENCODER(nomenclature)

/* ---- remove ----------------------------------------------------------------------------------- */

static int
on_removed(void *context, struct chek_bytes_view body)
{
    struct chek__run *run = context;
    struct chek_nomenclature told;
    char text[CHEK__WHOSE_TEXT_SIZE];
    int error = CHEK__DECODE(run, nomenclature, body, &told);
    if (error == CHEK_OK && run->json) {
        chek__json_open(run);
        chek__whose_json(run, &told);
        chek__json_text(run, "status", chek_bytes_view_text("removed"));
        chek__json_close(run);
        chek__json_end(run);
    } else if (error == CHEK_OK) {
        (void)printf("there is no list for %s any more\n", chek__whose_text(&told, text));
    }
    return error;
}

static int
nomenclature_remove(struct chek__run *run, int count, char **words)
{
    struct chek_nomenclature nothing = {0};
    int stop = chek__whose_arguments(run, count, words, &nothing);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    return chek__ask(run, CHEK_OPCODE_NOMENCLATURE_LOAD, nomenclature_encode, &nothing, on_removed,
                     run);
}

const struct chek__command chek__command_nomenclature_remove = {
    "nomenclature remove", "a list of what registers sell goes",
    "  chek nomenclature remove (--org ORG [--point POINT] | --device ID)\n\n"
    "  Registers that ask are told the list that is next: of their point, of their organisation, or\n"
    "  that there is none. A list that is loaded later has a version that none had before. To remove\n"
    "  what is not there is no error. An administrator's rights are needed.\n\n"
    "Examples\n"
    "  chek nomenclature remove --org 123456789012 --point main\n",
    nomenclature_remove};

/* ---- show ------------------------------------------------------------------------------------- */

static const char *const titles[] = {"id", "<kind", "parent", "<title", "<barcode", "price"};

static void
number_cell(struct chek__table *table, uint64_t number)
{
    if (number != 0) {
        chek__cell_number(table, number);
    } else {
        chek__cell_text(table, "");
    }
}

static void
goods_print(struct chek__table *table, const struct chek_nomenclature *goods)
{
    char text[32];
    chek__strip_view("Organisation", goods->organisation);
    if (goods->point.size != 0) {
        chek__strip_view("Point", goods->point);
    }
    if (goods->device != 0) {
        (void)snprintf(text, sizeof text, "%u", goods->device);
        chek__strip("Device", text);
    }
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)goods->version);
    chek__strip("Version", text);
    (void)chek__time_text(goods->created, text);
    chek__strip("Created", text);
    for (uint32_t i = 0; i < goods->elements_count; i++) {
        const struct chek_nomenclature_element *element = &goods->elements[i];
        bool is_group = element->kind == CHEK_NOMENCLATURE_KIND_GROUP;
        chek__cell_number(table, element->id);
        chek__cell_text(table, is_group ? "group" : "item");
        number_cell(table, element->parent);
        chek__cell(table, element->title);
        chek__cell(table, element->barcode);
        if (element->sell_price != 0) {
            chek__cell_money(table, element->sell_price, RUN_CURRENCY_DEFAULT);
        } else {
            chek__cell_text(table, "");
        }
    }
}

struct showing {
    struct chek__run *run;
    struct chek__table table;
};

static int
on_shown(void *context, struct chek_bytes_view body)
{
    struct showing *showing = context;
    struct chek_nomenclature goods;
    int error = CHEK__DECODE(showing->run, nomenclature, body, &goods);
    if (error == CHEK_OK && showing->run->json) {
        chek__json_record(showing->run, NULL, CHEK_RECORD_NOMENCLATURE, &goods);
        chek__json_end(showing->run);
    } else if (error == CHEK_OK) {
        goods_print(&showing->table, &goods);
    }
    return error;
}

static int
nomenclature_show(struct chek__run *run, int count, char **words)
{
    static struct showing showing;
    struct chek_nomenclature question = {0};
    int stop = chek__whose_arguments(run, count, words, &question);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    showing.run = run;
    if (!run->json &&
        chek__table_open(&showing.table, titles, CHEK_COUNT(titles), false) != CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    stop = chek__ask(run, CHEK_OPCODE_ASK_NOMENCLATURE, nomenclature_encode, &question, on_shown,
                     &showing);
    if (stop == CHEK_OK && !run->json) {
        chek__table_close(&showing.table);
    }
    return stop;
}

const struct chek__command chek__command_nomenclature_show = {
    "nomenclature show", "a list of what registers sell, and its version",
    "  chek nomenclature show (--org ORG [--point POINT] | --device ID)\n\n"
    "  With --json one document: version, created and elements, each as it would be a line of a file\n"
    "  that is loaded. An administrator's rights are needed.\n\n"
    "Examples\n"
    "  chek nomenclature show --org 123456789012 --json\n",
    nomenclature_show};

/* ---- list ------------------------------------------------------------------------------------- */

static const char *const list_titles[] = {"<of", "version", "<created", "elements"};

static void
list_json(struct chek__run *run, const struct chek_nomenclature *list)
{
    char text[32];
    size_t size = chek__time_text(list->created, text);
    chek__json_open(run);
    chek__whose_json(run, list);
    chek__json_number(run, "version", (int64_t)list->version);
    if (list->created != 0) {
        chek__json_text(run, "created", chek_bytes_view_of(text, size));
    }
    chek__json_number(run, "elements", list->count);
    chek__json_close(run);
    chek__json_end(run);
}

static void
list_row(struct chek__table *table, const struct chek_nomenclature *list)
{
    char text[96];
    if (list->device != 0) {
        (void)snprintf(text, sizeof text, "register %u", list->device);
    } else if (list->point.size != 0) {
        (void)snprintf(text, sizeof text, "point %.*s", (int)list->point.size,
                       (const char *)list->point.bytes);
    } else {
        (void)snprintf(text, sizeof text, "all registers");
    }
    chek__cell_text(table, text);
    chek__cell_number(table, list->version);
    (void)chek__time_text(list->created, text);
    chek__cell_text(table, text);
    chek__cell_number(table, list->count);
}

static int
on_listed(void *context, struct chek_bytes_view body)
{
    struct showing *showing = context;
    struct chek_nomenclatures told;
    int error = CHEK__DECODE(showing->run, nomenclatures, body, &told);
    for (uint32_t i = 0; error == CHEK_OK && i < told.lists_count; i++) {
        if (showing->run->json) {
            list_json(showing->run, &told.lists[i]);
        } else {
            list_row(&showing->table, &told.lists[i]);
        }
    }
    return error;
}

static int
nomenclature_list(struct chek__run *run, int count, char **words)
{
    static struct showing showing;
    struct chek_nomenclature question = {0};
    int stop = chek__whose_arguments(run, count, words, &question);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (question.point.size != 0 || question.device != 0) {
        return chek__usage(run, "--org ORG");
    }
    showing.run = run;
    if (!run->json &&
        chek__table_open(&showing.table, list_titles, CHEK_COUNT(list_titles), false) != CHEK_OK) {
        return chek__error(run, -ENOMEM, NULL, NULL);
    }
    stop = chek__ask(run, CHEK_OPCODE_ASK_NOMENCLATURES, nomenclature_encode, &question, on_listed,
                     &showing);
    if (stop == CHEK_OK && !run->json) {
        chek__table_close(&showing.table);
    }
    return stop;
}

const struct chek__command chek__command_nomenclature_list = {
    "nomenclature list", "which lists of what registers sell an organisation has",
    "  chek nomenclature list --org ORG\n\n"
    "  A row for each list: of all registers, of a trade point, of a register; its version, and how\n"
    "  many groups and items it has. An administrator's rights are needed.\n\n"
    "Examples\n"
    "  chek nomenclature list --org 123456789012\n",
    nomenclature_list};
