-- Refusals alone, so that the last one of a credential is found past any number of decisions that
-- allowed it, and those of an account are counted without looking at the rest.
CREATE INDEX decisions_refused_credential ON decisions (credential_id, at, request_id)
    WHERE NOT allowed;
CREATE INDEX decisions_refused_account ON decisions (account_id, at, reason) WHERE NOT allowed;
