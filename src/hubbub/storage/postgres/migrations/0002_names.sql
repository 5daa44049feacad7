-- Names that differ only in what is not seen (joiners, selectors, fillers) are the same from here on. The code
-- that goes with this step brings the rooms there are under that rule.
--
-- An older node beside this one goes on, and folds names as it knows: the database refuses what it would store
-- otherwise than a newer one finds it. Whoever makes such a room there is told of a fault of the server's.
ALTER TABLE rooms ADD CONSTRAINT rooms_folded_seen CHECK (
    folded !~ ('[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f'
        '\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a'
        '\U000e0000-\U000e0fff]')
) NOT VALID;  -- for the rooms there are it is true only at the end of the step
