#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""receipts_json.py - Russian receipts as JSON without spaces, to measure `chek import` with.

    bench/receipts_json.py MEGABYTES >receipts.json

The same receipts at every run: one after the other, a line each, of 1,000 registers in turn, one to
five lines a receipt, a third of them marked goods. Nothing in them is anybody's.
"""

import random
import sys

REGISTERS = 1000
NAMES = ['Хлеб ржаной, 500 г', 'Молоко 3,2 % 1 л', 'Сыр твёрдый', 'Вода питьевая 0,5 л',
         'Кофе зерновой \\"Утро\\" 1 кг', 'Яблоки сезонные', 'Тетрадь 48 листов', 'Услуга доставки']
SIGNS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'


def line(chance):
    """The JSON of a line, and its sum."""
    price = chance.randrange(100, 500000)
    count = chance.randrange(1, 4)
    code = ''
    if chance.randrange(3) == 0:
        serial = ''.join(chance.choices(SIGNS, k=13))
        code = (',"productCodeNew":{"gs1m":{"gtin":"04600000000015","sernum":"%s","productIdType":6,'
                '"rawProductCode":"010460000000001521%s"}}' % (serial, serial))
    text = ('{"nds":2,"sum":%d,"name":"%s","price":%d,"quantity":%d,"paymentType":4,"productType":%d,'
            '"itemsQuantityMeasure":0%s}' % (price * count, chance.choice(NAMES), price, count,
                                             33 if code else 1, code))
    return text, price * count


def receipt(index, chance):
    """The JSON of a receipt."""
    register = index % REGISTERS
    number = index // REGISTERS + 1
    minute = number // 2
    lines = [line(chance) for _ in range(chance.randrange(1, 6))]
    total = sum(value for _, value in lines)
    return ('{"code":3,"user":"ООО \\"Образец\\"","userInn":"7825706086  ","kktRegId":'
            '"%016d    ","fiscalDriveNumber":"99990789%08d","fiscalDocumentNumber":%d,'
            '"fiscalSign":%d,"dateTime":"2024-09-%02dT%02d:%02d:00","operator":"КАССИР",'
            '"shiftNumber":%d,"requestNumber":%d,"operationType":1,"totalSum":%d,"cashTotalSum":0,'
            '"ecashTotalSum":%d,"prepaidSum":0,"creditSum":0,"provisionSum":0,"nds10":%d,'
            '"retailPlace":"Лавка","retailPlaceAddress":"г. Город, улица Первая, д. %d",'
            '"items":[%s]}\n'
            % (7795807000000 + register, register, number, chance.randrange(1, 2 ** 32),
               1 + minute // 1440 % 28, minute // 60 % 24, minute % 60, 1 + number // 200,
               1 + number % 200, total, total, total * 10 // 110, register,
               ','.join(text for text, _ in lines)))


def main():
    """Write whole receipts until there are as many bytes."""
    chance = random.Random(1)
    left = int(sys.argv[1]) * 1000000
    index = 0
    while left > 0:
        text = receipt(index, chance).encode()
        sys.stdout.buffer.write(text)
        left -= len(text)
        index += 1


if __name__ == '__main__':
    main()
