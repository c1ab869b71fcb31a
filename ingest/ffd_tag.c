/* SPDX-License-Identifier: MIT */
/*
 * ffd_tag.c - the table of tags and the table of documents.
 *
 * Money is at most six bytes by the rules, but registers that pad to eight are met: what bounds an
 * amount is the check of the document, not its width.
 */
#include "ingest/ffd_tag.h"

#define ANY 65535 /* as large as its parent lets it */

/* tag, type, bytes at most, where it stands, where its elements stand, name */
#define TAGS(X)                                                                         \
    X(1001, BYTE, 1, IN_DOCUMENT, 0, "autoMode")                                        \
    X(1002, BYTE, 1, IN_DOCUMENT, 0, "offlineMode")                                     \
    X(1008, TEXT, 64, IN_DOCUMENT, 0, "buyerPhoneOrAddress")                            \
    X(1009, TEXT, 256, IN_DOCUMENT, 0, "retailPlaceAddress")                            \
    X(1012, TIME, 4, IN_DOCUMENT, 0, "dateTime")                                        \
    X(1013, TEXT, 20, IN_DOCUMENT, 0, "kktNumber")                                      \
    X(1017, TEXT, 12, IN_DOCUMENT, 0, "ofdInn")                                         \
    X(1018, TEXT, 12, IN_DOCUMENT, 0, "userInn")                                        \
    X(1020, VLN, 8, IN_DOCUMENT, 0, "totalSum")                                         \
    X(1021, TEXT, 64, IN_DOCUMENT, 0, "operator")                                       \
    X(1022, BYTE, 1, IN_ANSWER, 0, "ofdResponseCode")                                   \
    X(1023, FVLN, 8, IN_LINE, 0, "quantity")                                            \
    X(1030, TEXT, 128, IN_LINE, 0, "name")                                              \
    X(1031, VLN, 8, IN_DOCUMENT, 0, "cashTotalSum")                                     \
    X(1034, BYTES, 9, IN_DOCUMENT | IN_LINE, 0, "markup")                               \
    X(1035, BYTES, 9, IN_DOCUMENT | IN_LINE, 0, "markupSum")                            \
    X(1036, TEXT, 20, IN_DOCUMENT, 0, "machineNumber")                                  \
    X(1037, TEXT, 20, IN_DOCUMENT, 0, "kktRegId")                                       \
    X(1038, U32, 4, IN_DOCUMENT, 0, "shiftNumber")                                      \
    X(1040, U32, 4, IN_DOCUMENT, 0, "fiscalDocumentNumber")                             \
    X(1041, TEXT, 16, IN_DOCUMENT, 0, "fiscalDriveNumber")                              \
    X(1042, U32, 4, IN_DOCUMENT, 0, "requestNumber")                                    \
    X(1043, VLN, 8, IN_LINE, 0, "sum")                                                  \
    X(1046, TEXT, 256, IN_DOCUMENT, 0, "ofdName")                                       \
    X(1048, TEXT, 256, IN_DOCUMENT, 0, "user")                                          \
    X(1050, BYTE, 1, IN_DOCUMENT, 0, "fiscalDriveExhaustionSign")                       \
    X(1051, BYTE, 1, IN_DOCUMENT, 0, "fiscalDriveReplaceRequiredSign")                  \
    X(1052, BYTE, 1, IN_DOCUMENT, 0, "fiscalDriveMemoryExceededSign")                   \
    X(1053, BYTE, 1, IN_DOCUMENT, 0, "ofdResponseTimeoutSign")                          \
    X(1054, BYTE, 1, IN_DOCUMENT, 0, "operationType")                                   \
    X(1055, BYTE, 1, IN_DOCUMENT, 0, "taxationType")                                    \
    X(1056, BYTE, 1, IN_DOCUMENT, 0, "encryptionSign")                                  \
    X(1059, NESTED, ANY, IN_DOCUMENT, IN_LINE, "items")                                 \
    X(1060, TEXT, 256, IN_DOCUMENT, 0, "fnsUrl")                                        \
    X(1062, BYTE, 1, IN_DOCUMENT, 0, "taxationTypes")                                   \
    X(1063, BYTES, 9, IN_DOCUMENT | IN_LINE, 0, "discount")                             \
    X(1064, BYTES, 9, IN_DOCUMENT | IN_LINE, 0, "discountSum")                          \
    X(1067, BYTES, ANY, IN_DOCUMENT, 0, "messageToKkt")                                 \
    X(1068, NESTED, ANY, IN_DOCUMENT, IN_ANSWER, "messageToFn")                         \
    X(1069, BYTES, ANY, IN_DOCUMENT, 0, "messageToOperator")                            \
    X(1071, NESTED, ANY, IN_DOCUMENT, IN_LINE, "stornoItems")                           \
    X(1077, BYTES, 6, IN_DOCUMENT, 0, "fiscalSign")                                     \
    X(1078, BYTES, 18, IN_DOCUMENT, 0, "operatorSign")                                  \
    X(1079, VLN, 8, IN_LINE, 0, "price")                                                \
    X(1080, TEXT, 16, IN_LINE, 0, "barcode")                                            \
    X(1081, VLN, 8, IN_DOCUMENT, 0, "ecashTotalSum")                                    \
    X(1082, VLN, 8, IN_PAYMENT, 0, "ecashSum")                                          \
    X(1084, NESTED, ANY, IN_DOCUMENT, IN_USER, "properties")                            \
    X(1085, TEXT, 64, IN_USER, 0, "propertyName")                                       \
    X(1086, TEXT, 256, IN_USER, 0, "propertyValue")                                     \
    X(1097, U32, 4, IN_DOCUMENT, 0, "notTransmittedDocumentsQuantity")                  \
    X(1098, TIME, 4, IN_DOCUMENT, 0, "notTransmittedDocumentsDateTime")                 \
    X(1101, BYTE, 1, IN_DOCUMENT, 0, "correctionReasonCode")                            \
    X(1102, VLN, 8, IN_DOCUMENT | IN_LINE, 0, "nds18")                                  \
    X(1103, VLN, 8, IN_DOCUMENT | IN_LINE, 0, "nds10")                                  \
    X(1104, VLN, 8, IN_DOCUMENT | IN_LINE, 0, "nds0")                                   \
    X(1105, VLN, 8, IN_DOCUMENT | IN_LINE, 0, "ndsNo")                                  \
    X(1106, VLN, 8, IN_DOCUMENT | IN_LINE, 0, "nds18118")                               \
    X(1107, VLN, 8, IN_DOCUMENT | IN_LINE, 0, "nds10110")                               \
    X(1108, BYTE, 1, IN_DOCUMENT, 0, "internetSign")                                    \
    X(1109, BYTE, 1, IN_DOCUMENT, 0, "serviceSign")                                     \
    X(1110, BYTE, 1, IN_DOCUMENT, 0, "bsoSign")                                         \
    X(1111, U32, 4, IN_DOCUMENT, 0, "documentsQuantity")                                \
    X(1112, BYTES, ANY, IN_DOCUMENT | IN_LINE, 0, "modifiers")                          \
    X(1115, NESTED, ANY, IN_DOCUMENT, IN_VATS, "amountsReceiptNds")                     \
    X(1116, U32, 4, IN_DOCUMENT, 0, "notTransmittedDocumentNumber")                     \
    X(1117, TEXT, 64, IN_DOCUMENT, 0, "sellerAddress")                                  \
    X(1118, U32, 4, IN_DOCUMENT, 0, "receiptsQuantity")                                 \
    X(1119, NESTED, ANY, IN_VATS, IN_VAT, "amountsNds")                                 \
    X(1120, VLN, 8, IN_VAT, 0, "ndsSum")                                                \
    X(1125, BYTE, 1, IN_DOCUMENT, 0, "internetPayment")                                 \
    X(1126, BYTE, 1, IN_DOCUMENT, 0, "lotterySign")                                     \
    X(1129, NESTED, ANY, IN_COUNTERS, IN_OPERATION, "sellOper")                         \
    X(1130, NESTED, ANY, IN_COUNTERS, IN_OPERATION, "sellReturnOper")                   \
    X(1131, NESTED, ANY, IN_COUNTERS, IN_OPERATION, "buyOper")                          \
    X(1132, NESTED, ANY, IN_COUNTERS, IN_OPERATION, "buyReturnOper")                    \
    X(1133, NESTED, ANY, IN_COUNTERS, IN_CORRECTIONS, "receiptCorrection")              \
    X(1134, U32, 4, IN_COUNTERS, 0, "receiptCount")                                     \
    X(1135, U32, 4, IN_OPERATION, 0, "receiptCount")                                    \
    X(1136, VLN, 8, IN_OPERATION, 0, "cashSum")                                         \
    X(1138, VLN, 8, IN_OPERATION, 0, "ecashSum")                                        \
    X(1139, VLN, 8, IN_OPERATION, 0, "tax18Sum")                                        \
    X(1140, VLN, 8, IN_OPERATION, 0, "tax10Sum")                                        \
    X(1141, VLN, 8, IN_OPERATION, 0, "tax18118Sum")                                     \
    X(1142, VLN, 8, IN_OPERATION, 0, "tax10110Sum")                                     \
    X(1143, VLN, 8, IN_OPERATION, 0, "tax0Sum")                                         \
    X(1144, U32, 4, IN_CORRECTIONS, 0, "receiptCorrectionCount")                        \
    X(1145, NESTED, ANY, IN_CORRECTIONS, IN_OPERATION, "sellCorrection")                \
    X(1146, NESTED, ANY, IN_CORRECTIONS, IN_OPERATION, "buyCorrection")                 \
    X(1148, U32, 4, IN_CORRECTIONS | IN_OPERATION, 0, "selfCorrectionCount")            \
    X(1149, U32, 4, IN_CORRECTIONS | IN_OPERATION, 0, "orderCorrectionCount")           \
    X(1150, VLN, 8, IN_CORRECTIONS, 0, "correctionSum")                                 \
    X(1151, VLN, 8, IN_CORRECTIONS | IN_OPERATION, 0, "tax18CorrectionSum")             \
    X(1152, VLN, 8, IN_CORRECTIONS | IN_OPERATION, 0, "tax10CorrectionSum")             \
    X(1153, VLN, 8, IN_CORRECTIONS | IN_OPERATION, 0, "tax18118CorrectionSum")          \
    X(1154, VLN, 8, IN_CORRECTIONS | IN_OPERATION, 0, "tax10110CorrectionSum")          \
    X(1155, VLN, 8, IN_CORRECTIONS | IN_OPERATION, 0, "tax0CorrectionSum")              \
    X(1157, NESTED, 708, IN_DOCUMENT, IN_COUNTERS, "fiscalDriveSumReports")             \
    X(1158, NESTED, 708, IN_DOCUMENT, IN_COUNTERS, "notTransmittedDocumentsSumReports") \
    X(1162, BYTES, 32, IN_LINE, 0, "productCode")                                       \
    X(1163, NESTED, ANY, IN_LINE, IN_CODE, "productCodeNew")                            \
    X(1171, TEXT, 19, IN_SUPPLIER, 0, "supplierPhone")                                  \
    X(1173, BYTE, 1, IN_DOCUMENT, 0, "correctionType")                                  \
    X(1174, NESTED, ANY, IN_DOCUMENT, IN_BASIS, "correctionBase")                       \
    X(1177, TEXT, 256, IN_BASIS, 0, "correctionName")                                   \
    X(1178, TIME, 4, IN_BASIS, 0, "correctionDocumentDate")                             \
    X(1179, TEXT, 32, IN_BASIS, 0, "correctionDocumentNumber")                          \
    X(1183, VLN, 8, IN_OPERATION, 0, "taxFreeSum")                                      \
    X(1184, VLN, 8, IN_CORRECTIONS, 0, "taxFreeCorrectionSum")                          \
    X(1187, TEXT, 256, IN_DOCUMENT, 0, "retailPlace")                                   \
    X(1188, TEXT, 8, IN_DOCUMENT, 0, "kktVersion")                                      \
    X(1189, BYTE, 1, IN_DOCUMENT, 0, "documentKktVersion")                              \
    X(1190, BYTE, 1, IN_DOCUMENT, 0, "documentFdVersion")                               \
    X(1191, TEXT, 64, IN_LINE, 0, "propertiesItem")                                     \
    X(1192, TEXT, 16, IN_DOCUMENT, 0, "propertiesData")                                 \
    X(1193, BYTE, 1, IN_DOCUMENT, 0, "gamblingSign")                                    \
    X(1194, NESTED, 704, IN_DOCUMENT, IN_COUNTERS, "shiftSumReports")                   \
    X(1197, TEXT, 16, IN_LINE, 0, "unit")                                               \
    X(1198, VLN, 8, IN_LINE, 0, "unitNds")                                              \
    X(1199, BYTE, 1, IN_LINE | IN_VAT, 0, "nds")                                        \
    X(1200, VLN, 8, IN_LINE, 0, "ndsSum")                                               \
    X(1201, VLN, 8, IN_OPERATION, 0, "totalSum")                                        \
    X(1203, TEXT, 12, IN_DOCUMENT, 0, "operatorInn")                                    \
    X(1206, BYTE, 1, IN_DOCUMENT, 0, "operatorMessage")                                 \
    X(1207, BYTE, 1, IN_DOCUMENT, 0, "exciseDutyProductSign")                           \
    X(1209, BYTE, 1, IN_DOCUMENT, 0, "fiscalDocumentFormatVer")                         \
    X(1212, BYTE, 1, IN_LINE, 0, "productType")                                         \
    X(1213, UINT, 4, IN_DOCUMENT, 0, "fdKeyResource")                                   \
    X(1214, BYTE, 1, IN_LINE, 0, "paymentType")                                         \
    X(1215, VLN, 8, IN_DOCUMENT, 0, "prepaidSum")                                       \
    X(1216, VLN, 8, IN_DOCUMENT, 0, "creditSum")                                        \
    X(1217, VLN, 8, IN_DOCUMENT, 0, "provisionSum")                                     \
    X(1218, VLN, 8, IN_OPERATION, 0, "prepaidSum")                                      \
    X(1219, VLN, 8, IN_OPERATION, 0, "creditSum")                                       \
    X(1220, VLN, 8, IN_OPERATION, 0, "provisionSum")                                    \
    X(1221, BYTE, 1, IN_DOCUMENT, 0, "printInMachineSign")                              \
    X(1222, BYTE, 1, IN_LINE, 0, "paymentAgentByProductType")                           \
    X(1223, NESTED, ANY, IN_LINE, IN_AGENT, "paymentAgentData")                         \
    X(1224, NESTED, ANY, IN_LINE, IN_SUPPLIER, "providerData")                          \
    X(1225, TEXT, 256, IN_SUPPLIER, 0, "providerName")                                  \
    X(1226, TEXT, 12, IN_LINE, 0, "providerInn")                                        \
    X(1227, TEXT, 256, IN_DOCUMENT | IN_BUYER, 0, "buyer")                              \
    X(1228, TEXT, 12, IN_DOCUMENT | IN_BUYER, 0, "buyerInn")                            \
    X(1229, VLN, 8, IN_LINE, 0, "exciseDuty")                                           \
    X(1230, TEXT, 3, IN_LINE, 0, "originCountryCode")                                   \
    X(1231, TEXT, 32, IN_LINE, 0, "customEntryNum")                                     \
    X(1232, NESTED, ANY, IN_CORRECTIONS, IN_OPERATION, "sellReturnCorrection")          \
    X(1233, NESTED, ANY, IN_CORRECTIONS, IN_OPERATION, "buyReturnCorrection")           \
    X(1234, NESTED, ANY, IN_DOCUMENT, IN_CASHLESS, "allECashProp")                      \
    X(1235, NESTED, ANY, IN_CASHLESS, IN_PAYMENT, "ecashProp")                          \
    X(1236, BYTE, 1, IN_PAYMENT, 0, "ecashSign")                                        \
    X(1237, TEXT, 256, IN_PAYMENT, 0, "ecashIdent")                                     \
    X(1238, TEXT, 256, IN_PAYMENT, 0, "ecashAddInfo")                                   \
    X(1256, NESTED, ANY, IN_DOCUMENT, IN_BUYER, "buyerInformation")                     \
    X(1260, NESTED, ANY, IN_LINE, IN_INDUSTRY, "itemsIndustryDetails")                  \
    X(1261, NESTED, ANY, IN_DOCUMENT, IN_INDUSTRY, "industryReceiptDetails")            \
    X(1262, TEXT, 3, IN_INDUSTRY, 0, "idFoiv")                                          \
    X(1263, TEXT, 10, IN_INDUSTRY, 0, "foundationDocDateTime")                          \
    X(1264, TEXT, 32, IN_INDUSTRY, 0, "foundationDocNumber")                            \
    X(1265, TEXT, 256, IN_INDUSTRY, 0, "industryPropValue")                             \
    X(1291, NESTED, ANY, IN_LINE, IN_FRACTION, "labeledProdFractionalQuantity")         \
    X(1292, TEXT, 24, IN_FRACTION, 0, "quantityFraction")                               \
    X(1293, VLN, 8, IN_FRACTION, 0, "numerator")                                        \
    X(1294, VLN, 8, IN_FRACTION, 0, "denominator")                                      \
    X(1300, TEXT, 32, IN_CODE, 0, "undefined")                                          \
    X(1301, TEXT, 8, IN_CODE, 0, "ean8")                                                \
    X(1302, TEXT, 13, IN_CODE, 0, "ean13")                                              \
    X(1303, TEXT, 14, IN_CODE, 0, "itf14")                                              \
    X(1304, TEXT, 38, IN_CODE, 0, "gs1")                                                \
    X(1305, TEXT, 38, IN_CODE, 0, "gs1m")                                               \
    X(1306, TEXT, 38, IN_CODE, 0, "kmk")                                                \
    X(1307, TEXT, 20, IN_CODE, 0, "mi")                                                 \
    X(1308, TEXT, 23, IN_CODE, 0, "egais2")                                             \
    X(1309, TEXT, 14, IN_CODE, 0, "egais3")                                             \
    X(1320, TEXT, 32, IN_CODE, 0, "f1")                                                 \
    X(1321, TEXT, 32, IN_CODE, 0, "f2")                                                 \
    X(1322, TEXT, 32, IN_CODE, 0, "f3")                                                 \
    X(1323, TEXT, 32, IN_CODE, 0, "f4")                                                 \
    X(1324, TEXT, 32, IN_CODE, 0, "f5")                                                 \
    X(1325, TEXT, 32, IN_CODE, 0, "f6")                                                 \
    X(2000, TEXT, 256, IN_DOCUMENT, 0, "markingCode")                                   \
    X(2003, BYTE, 1, IN_DOCUMENT, 0, "plannedStatus")                                   \
    X(2100, BYTE, 1, IN_DOCUMENT, 0, "markingCodeType")                                 \
    X(2102, BYTE, 1, IN_DOCUMENT | IN_LINE, 0, "labelCodeProcesMode")                   \
    X(2104, U32, 4, IN_DOCUMENT, 0, "unsentMarkingNotices")                             \
    X(2106, BYTE, 1, IN_DOCUMENT | IN_LINE, 0, "checkingProdInformationResult")         \
    X(2107, BYTE, 1, IN_DOCUMENT, 0, "checkingLabeledProdResult")                       \
    X(2108, BYTE, 1, IN_LINE, 0, "itemsQuantityMeasure")                                \
    X(2109, BYTE, 1, IN_DOCUMENT | IN_LINE, 0, "answerStatus")                          \
    X(2110, BYTE, 1, IN_DOCUMENT | IN_LINE, 0, "assignedStatus")                        \
    X(2112, BYTE, 1, IN_DOCUMENT, 0, "wrongMarkingSign")                                \
    X(2113, BYTE, 1, IN_DOCUMENT, 0, "wrongMarkingNoticeSign")                          \
    X(2115, TEXT, 4, IN_LINE, 0, "controlCode")

#define IN_DOCUMENT CHEK_FFD_IN_DOCUMENT
#define IN_LINE CHEK_FFD_IN_LINE
#define IN_COUNTERS CHEK_FFD_IN_COUNTERS
#define IN_OPERATION CHEK_FFD_IN_OPERATION
#define IN_CORRECTIONS CHEK_FFD_IN_CORRECTIONS
#define IN_CODE CHEK_FFD_IN_CODE
#define IN_FRACTION CHEK_FFD_IN_FRACTION
#define IN_USER CHEK_FFD_IN_USER
#define IN_INDUSTRY CHEK_FFD_IN_INDUSTRY
#define IN_VATS CHEK_FFD_IN_VATS
#define IN_VAT CHEK_FFD_IN_VAT
#define IN_CASHLESS CHEK_FFD_IN_CASHLESS
#define IN_PAYMENT CHEK_FFD_IN_PAYMENT
#define IN_BASIS CHEK_FFD_IN_BASIS
#define IN_AGENT CHEK_FFD_IN_AGENT
#define IN_SUPPLIER CHEK_FFD_IN_SUPPLIER
#define IN_ANSWER CHEK_FFD_IN_ANSWER
#define IN_BUYER CHEK_FFD_IN_BUYER

/* Bytes at least, by type. */
enum {
    TEXT_SIZE_MIN = 0,
    BYTE_SIZE_MIN = 1,
    U32_SIZE_MIN = 4,
    UINT_SIZE_MIN = 1,
    TIME_SIZE_MIN = 4,
    VLN_SIZE_MIN = 0,
    FVLN_SIZE_MIN = 1,
    BYTES_SIZE_MIN = 0,
    NESTED_SIZE_MIN = 0,
};

#define ROW(tag_, type_, size_, places_, inside_, name_)                           \
    [(tag_)-CHEK_FFD_TAG_FIRST] = {name_, places_,          inside_,         tag_, \
                                   size_, type_##_SIZE_MIN, CHEK_FFD_##type_},

const struct chek_ffd_tag chek_ffd_tags[CHEK_FFD_TAG_COUNT] = {TAGS(ROW)};

static const struct chek_ffd_kind kinds[] = {
    {"fiscalReport", 6144, CHEK_FFD_REGISTRATION},
    {"openShift", 4096, CHEK_FFD_SHIFT_OPEN},
    {"receipt", 32768, CHEK_FFD_RECEIPT},
    {"bso", 32768, CHEK_FFD_STRICT_FORM},
    {"closeShift", 4096, CHEK_FFD_SHIFT_CLOSE},
    {"closeArchive", 4096, CHEK_FFD_DRIVE_CLOSE},
    {"operatorAck", 512, CHEK_FFD_CONFIRMATION},
    {"fiscalReportCorrection", 6144, CHEK_FFD_REREGISTRATION},
    {"currentStateReport", 32768, CHEK_FFD_STATE_OF_SETTLEMENTS},
    {"receiptCorrection", 32768, CHEK_FFD_CORRECTION},
    {"bsoCorrection", 32768, CHEK_FFD_STRICT_FORM_CORRECTION},
    {"markingRequest", 4096, CHEK_FFD_MARKING_REQUEST},
    {"markingNotice", 32768, CHEK_FFD_MARKING_NOTICE},
    {"markingAnswer", 32768, CHEK_FFD_MARKING_ANSWER},
    {"markingNoticeAnswer", 32768, CHEK_FFD_MARKING_NOTICE_ANSWER},
};

const struct chek_ffd_kind *
chek_ffd_kind_find(uint16_t code)
{
    for (size_t i = 0; i < CHEK_COUNT(kinds); i++) {
        if (kinds[i].code == code) {
            return &kinds[i];
        }
    }
    return NULL;
}
