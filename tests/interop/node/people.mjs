// The people of the walk, and what they would type in.

// Pays in most of the steps.
export const PAYER = {
  account_id: "marie",
  phone_number: "+44 7700 900123",
  identity: {
    type: "IDENTITY_DOCUMENT_TYPE_FOREIGN_PERMANENT_RESIDENT_CARD",
    number: "FPR-1867",
    issuing_country: "CN",
    holder_name: "Marie Curie",
    expires_on: { year: 2039, month: 12, day: 31 },
  },
  card: {
    pan: "4111 1111 1111 1111",
    scheme: "SCHEME_VISA",
    expiry_month: 12,
    expiry_year: 2039,
    cvv: "123",
    holder_name: "MARIE CURIE",
  },
};

// Has a passport, and is reviewed before the first payment.
export const VISITOR = {
  account_id: "frederic",
  phone_number: "+33 6 39 98 00 02",
  identity: {
    type: "IDENTITY_DOCUMENT_TYPE_PASSPORT",
    number: "00PC1900",
    issuing_country: "FR",
    holder_name: "Frederic Joliot-Curie",
    expires_on: { year: 2035, month: 3, day: 19 },
  },
  card: {
    pan: "3530 1113 3330 0000",
    scheme: "SCHEME_JCB",
    expiry_month: 6,
    expiry_year: 2038,
    cvv: "123",
    holder_name: "FREDERIC JOLIOT CURIE",
  },
};
