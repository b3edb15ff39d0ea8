-- By itself: who files failures has the locks of this table and of `failure_signatures` in one order, and who looks for absence in the other.
alter table failure_groups
    -- As of its signatures (0022).
    add column absent_elsewhere boolean,
    -- When the earliest signature came that contradicts the resolution in other words (`GroupEvidence`). Null without one, and where edition 1 of the
    -- rules made the state.
    add column other_words_at timestamptz;
