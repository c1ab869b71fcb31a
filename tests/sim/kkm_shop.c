/* SPDX-License-Identifier: MIT */
/*
 * kkm_shop.c - operators and lists of goods: an administrator changes them, registers ask for them.
 *
 * The k-th change of an organisation's operator makes password k, so one number says what there is:
 * at least the one that was acknowledged last, at most the one sent last. Its lists are what their
 * first k changes made them; each that is loaded is the next version, whosever it is, and its texts
 * are made of the version. A change without an answer is sent again, which changes nothing more.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/wire/frame.h"
#include "tests/sim/kkm_run.h"

#define LOGIN "aliya"
#define ELEMENT_COUNT_MAX 50
#define TITLE_SIZE 255

#define POINT "p1"

static const char *const organisations[SHOP_COUNT] = {"100000000001", "200000000002"};

struct chek_bytes_view
shop_organisation(uint32_t device)
{
    return chek_bytes_view_text(organisations[device % SHOP_COUNT]);
}

static bool
is_at_point(uint32_t device)
{
    return device / SHOP_COUNT % 2 == 1;
}

struct chek_bytes_view
shop_point(uint32_t device)
{
    return chek_bytes_view_text(is_at_point(device) ? POINT : "");
}

static void
password_write(uint32_t number, char text[16])
{
    (void)snprintf(text, 16, "p%u", number);
}

/* ---- lists ------------------------------------------------------------------------------------ */

/* Which version of each there is after `count` changes; 0: none. Returns how many there were. */
static uint32_t
versions_of(const struct shop *shop, uint32_t count, uint32_t versions[SHOP_WHOSE_COUNT])
{
    uint32_t given = 0;
    memset(versions, 0, SHOP_WHOSE_COUNT * sizeof *versions);
    for (uint32_t i = 1; i <= count; i++) {
        given += shop->changes[i].is_load;
        versions[shop->changes[i].whose] = shop->changes[i].is_load ? given : 0;
    }
    return given;
}

/* The version that a register is told after `count` changes. */
static uint32_t
version_at(const struct shop *shop, uint32_t device, uint32_t count)
{
    uint32_t versions[SHOP_WHOSE_COUNT];
    (void)versions_of(shop, count, versions);
    uint32_t near = versions[SHOP_REGISTER] != 0 ? versions[SHOP_REGISTER] : versions[SHOP_POINT];
    return is_at_point(device) && near != 0 ? near : versions[SHOP_ALL];
}

/* Version k: some are longer than an object of the heap, no two in a row are equal. */
static uint32_t
list_count(uint32_t number)
{
    return 1 + number * 17 % ELEMENT_COUNT_MAX;
}

static void
title_write(uint32_t number, uint32_t index, char text[TITLE_SIZE])
{
    memset(text, 'a' + (int)(index % 26), TITLE_SIZE);
    int size = snprintf(text, TITLE_SIZE, "%u/%u", number, index);
    text[size] = '-';
}

/* ---- the administrator ------------------------------------------------------------------------ */

/* The register of the shop that is at the point. */
static uint32_t
register_of(const struct kkm_run *run)
{
    for (uint32_t i = 0; i < TILL_COUNT; i++) {
        uint32_t device = run->tills[i].device;
        if (device % SHOP_COUNT == run->shop && is_at_point(device)) {
            return device;
        }
    }
    CHEK_ASSERT(false);
    return 0;
}

static void
list_encode(const struct kkm_run *run, uint32_t number, struct chek_writer *out)
{
    static char texts[ELEMENT_COUNT_MAX][TITLE_SIZE];
    static struct chek_nomenclature_element elements[ELEMENT_COUNT_MAX];
    uint32_t versions[SHOP_WHOSE_COUNT];
    struct shop_change change = run->shops[run->shop].changes[number];
    uint32_t version = versions_of(&run->shops[run->shop], number, versions);
    struct chek_nomenclature what = {.elements = elements,
                                     .elements_count = change.is_load ? list_count(version) : 0};
    if (change.whose == SHOP_REGISTER) {
        what.device = register_of(run);
    } else {
        what.organisation = shop_organisation(run->shop);
        what.point = chek_bytes_view_text(change.whose == SHOP_POINT ? POINT : "");
    }
    for (uint32_t i = 0; i < what.elements_count; i++) {
        title_write(version, i, texts[i]);
        elements[i] = (struct chek_nomenclature_element){
            .id = i + 1, .title = chek_bytes_view_of(texts[i], TITLE_SIZE)};
    }
    chek_nomenclature_encode(out, &what);
}

static void
operator_encode(const struct kkm_run *run, uint32_t number, struct chek_writer *out)
{
    char password[16];
    password_write(number, password);
    struct chek_operator_set what = {.organisation = shop_organisation(run->shop),
                                     .login = chek_bytes_view_text(LOGIN),
                                     .password = chek_bytes_view_text(password),
                                     .code = number};
    chek_operator_set_encode(out, &what);
}

static struct shop_number *
number_of(struct kkm_run *run)
{
    struct shop *shop = &run->shops[run->shop];
    return run->is_list ? &shop->list : &shop->password;
}

bool
shop_change_encode(struct kkm_run *run, struct chek_writer *out, uint16_t *ret_opcode)
{
    if (number_of(run)->sent == number_of(run)->told) { /* the last one was heard of: another */
        if (run->change_count == SHOP_CHANGE_COUNT) {
            return false;
        }
        run->change_count += 1;
        run->shop = (uint32_t)peer_below(&run->peer, SHOP_COUNT);
        run->is_list = peer_below(&run->peer, 2) == 0;
        number_of(run)->sent += 1;
        if (run->is_list) {
            struct shop *shop = &run->shops[run->shop];
            shop->changes[shop->list.sent] = (struct shop_change){
                .whose = (enum shop_whose)peer_below(&run->peer, SHOP_WHOSE_COUNT),
                .is_load = peer_below(&run->peer, 3) != 0};
        }
    }
    if (run->is_list) {
        list_encode(run, number_of(run)->sent, out);
    } else {
        operator_encode(run, number_of(run)->sent, out);
    }
    *ret_opcode = run->is_list ? CHEK_OPCODE_NOMENCLATURE_LOAD : CHEK_OPCODE_OPERATOR_SET;
    return true;
}

void
shop_change_done(struct kkm_run *run, struct chek_bytes_view body)
{
    struct chek_nomenclature told;
    struct chek_fault fault;
    struct chek_arena arena;
    _Alignas(16) uint8_t memory[4096];
    struct shop_number *number = number_of(run);
    number->told = number->sent;
    if (!run->is_list) {
        return;
    }
    chek_arena_init_over(&arena, memory, sizeof memory);
    const struct shop *shop = &run->shops[run->shop];
    uint32_t versions[SHOP_WHOSE_COUNT];
    (void)versions_of(shop, number->sent, versions);
    uint32_t version = versions[shop->changes[number->sent].whose];
    int error = chek_nomenclature_decode_whole(body.bytes, body.size, &arena, &told, &fault);
    if (error != CHEK_OK || told.version != version) {
        peer_violate(&run->peer, "version %u is told to be %u", version,
                     error == CHEK_OK ? (unsigned)told.version : 0);
    }
}

/* ---- registers -------------------------------------------------------------------------------- */

void
shop_ask(struct till *till)
{
    struct kkm_run *run = till->run;
    char password[16];
    Ingest__Request request = INGEST__REQUEST__INIT;
    Ingest__AuthRequest auth = INGEST__AUTH_REQUEST__INIT;
    Ingest__NomenclatureRequest list = INGEST__NOMENCLATURE_REQUEST__INIT;
    till->shop_told = run->shops[till->device % SHOP_COUNT];
    till->asks_list = peer_below(&run->peer, 2) == 0;
    request.has_command = 1;
    if (till->asks_list) {
        request.command = INGEST__COMMAND_TYPE__COMMAND_NOMENCLATURE;
        request.nomenclature = &list;
        list.has_current_version = 1;
        uint32_t versions[SHOP_WHOSE_COUNT];
        uint32_t given = versions_of(&till->shop_told, till->shop_told.list.told, versions);
        list.current_version =
            peer_below(&run->peer, 2) == 0
                ? version_at(&till->shop_told, till->device, till->shop_told.list.told)
                : (uint32_t)peer_below(&run->peer, given + 1);
        till->list_version = (uint32_t)list.current_version;
    } else {
        till->asks_wrong = peer_below(&run->peer, 4) == 0;
        till->send_count = 0;
        password_write(till->asks_wrong ? SHOP_CHANGE_COUNT + 1 : till->shop_told.password.told,
                       password);
        request.command = INGEST__COMMAND_TYPE__COMMAND_AUTH;
        request.auth = &auth;
        auth.has_login = auth.has_password = 1;
        auth.login = (ProtobufCBinaryData){strlen(LOGIN), (uint8_t *)(uintptr_t)LOGIN};
        auth.password = (ProtobufCBinaryData){strlen(password), (uint8_t *)password};
    }
    till->request += 1;
    till_frame_make(till, &request, &till->sent);
    till->state = TILL_ASK;
    run->peer.result.counts[KKM_ASKS] += 1;
}

/*
 * Password k was acknowledged when AUTH was sent: it is wrong only if a later one was sent, or when
 * there may have been too many wrong ones, of which those that were sent again count again (R37).
 */
static void
auth_judge(struct till *till, const Ingest__AuthResponse *auth, bool is_limited,
           const struct shop *now)
{
    uint32_t number = till->shop_told.password.told;
    bool is_ok = auth != NULL && auth->result == INGEST__AUTH_RESULT__AUTH_OK;
    bool may_be_limited = till->wrong_count >= CHEK_DEVICE_TRY_COUNT;
    if (is_limited && !may_be_limited) {
        peer_violate(&till->run->peer, "device %u: %u wrong passwords are too many", till->device,
                     till->wrong_count);
    }
    if (is_limited) {
        till->run->peer.result.counts[KKM_LIMITED] += 1;
        return;
    }
    if (is_ok) { /* so was each time that it was sent: passwords do not come back */
        till->wrong_count -= till->send_count;
    }
    bool is_known = number != 0 && !till->asks_wrong;
    if (auth == NULL || (is_ok && (!is_known || auth->operator_code != number)) ||
        (!is_ok && is_known && now->password.sent == number)) {
        peer_violate(&till->run->peer, "device %u: password %u is %s; %u was sent", till->device,
                     number, is_ok ? "right" : "wrong", now->password.sent);
    }
}

static bool
list_is(const Ingest__NomenclatureResponse *list, uint32_t number)
{
    char title[TITLE_SIZE];
    if (list->n_elements != list_count(number)) {
        return false;
    }
    for (uint32_t i = 0; i < list->n_elements; i++) {
        const Ingest__NomenclatureElement *element = list->elements[i];
        title_write(number, i, title);
        if (element->id != i + 1 || element->title.len != sizeof title ||
            memcmp(element->title.data, title, sizeof title) != 0) {
            return false;
        }
    }
    return true;
}

static void
list_judge(struct till *till, const Ingest__NomenclatureResponse *list, const struct shop *now)
{
    uint32_t version = list != NULL ? (uint32_t)list->version : 0;
    bool is_right = false;
    for (uint32_t i = till->shop_told.list.told; list != NULL && i <= now->list.sent; i++) {
        is_right = is_right || version_at(now, till->device, i) == version;
    }
    if (is_right && version == 0) {
        is_right = list->result == INGEST__NOMENCLATURE_RESULT__NOMENCLATURE_NO_VERSION &&
                   list->n_elements == 0;
    } else if (is_right && version == till->list_version) {
        is_right = list->result == INGEST__NOMENCLATURE_RESULT__NOMENCLATURE_VERSION_IS_ACTUAL &&
                   list->n_elements == 0;
    } else if (is_right) {
        is_right =
            list->result == INGEST__NOMENCLATURE_RESULT__NOMENCLATURE_OK && list_is(list, version);
    }
    if (!is_right) {
        peer_violate(&till->run->peer,
                     "device %u: it has list %u and hears of %u; %u to %u changes were made",
                     till->device, till->list_version, version, till->shop_told.list.told,
                     now->list.sent);
    }
}

void
shop_judge(struct till *till, const Ingest__Response *response)
{
    const struct shop *now = &till->run->shops[till->device % SHOP_COUNT];
    if (till->asks_list) {
        list_judge(till, response->nomenclature, now);
    } else {
        auth_judge(till, response->auth, response->result->result_text.len != 0, now);
    }
}
