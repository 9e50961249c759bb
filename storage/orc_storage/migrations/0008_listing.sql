-- What a list asks for first, without a look at the documents themselves or at deleted ones.

CREATE INDEX document_alive ON document (kind, id, rev) WHERE deleted = 0;
