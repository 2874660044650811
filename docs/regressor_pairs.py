"""Pairs for ``posecorpus fit-regressor`` from a corpus whose people carry ``full_42``: two joint sets of the same bodies.

    posecorpus synth bodies --motions mocap/ --samples 2000 --size 160x120
    python docs/regressor_pairs.py bodies pairs.npz --from smpl_24 --to h36m_17
    posecorpus fit-regressor h36m.json --from smpl_24 --to h36m_17 --pairs pairs.npz

Real pairs are made the same way: ``source`` are the joints of the rig you have, (N, J, 3) in metres, ``target`` those of
the rig you want at the same moments and in the same frame, ``groups`` who it was.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import FULL_42, convert, skeleton


def main() -> None:
    """Write the pairs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--from", dest="source", default="smpl_24")
    parser.add_argument("--to", dest="target", default="h36m_17")
    arguments = parser.parse_args()
    joints, motions = [], []
    for sample in Corpus(arguments.corpus).samples(fields=()):
        for person in sample.people:
            if person.skeleton == FULL_42.name and person.joints3d is not None:
                joints.append(person.joints3d)
                motions.append(person.motion or "")
    bodies = np.stack(joints)
    np.savez(
        arguments.out,
        source=convert(bodies, FULL_42, skeleton(arguments.source)),
        target=convert(bodies, FULL_42, skeleton(arguments.target)),
        groups=np.array(motions),
    )


if __name__ == "__main__":
    main()
